// The one door to the server: every request carries the bearer token, or without one the session's cookie; every refusal
// comes back as an `ApiProblem`.
import type { SubjectAnswer } from '../audit/subject';
import { ApiProblem, problemOf, wasAborted } from './problem';
import type { Entry } from './entry';
import type {
  Access, AggregateLine, Answer, Bridge, DataQuality, DeadLetters, Export, Invited, Me, Metrics, NewPerson, NewToken, OpenSession, Person, Query, Role, ServiceSummary, Share, Site, Token,
} from './types';

/** What `PUT /api/v1/sites/{site}` takes; it refuses anything else. */
const SITE_SETTINGS = [
  'name', 'origins', 'services', 'timezone', 'page_templates', 'dismiss_means', 'suppress_below', 'validity_days',
  'retention', 'quotas', 'controllers', 'processor', 'notice_url', 'jurisdictions', 'authority', 'withdrawal',
  'purposes', 'ledger',
] as const;

interface Options {
  method?: string;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

export class Client {
  /** Without a token it is the browser's session that speaks. */
  constructor(private readonly token: string | null) {}

  /** A raw request. Throws for every answer that is not 2xx. */
  async fetch(path: string, { method = 'GET', body, signal }: Options = {}): Promise<Response> {
    const headers = new Headers(this.token === null ? {} : { authorization: `Bearer ${this.token}` });
    if (body !== undefined) headers.set('content-type', 'application/json');
    let response: Response;
    try {
      response = await fetch(path, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal ?? null,
        cache: 'no-store',
        credentials: this.token === null ? 'same-origin' : 'omit',
      });
    } catch (thrown) {
      if (wasAborted(thrown)) throw thrown;
      throw new ApiProblem(0, '', thrown instanceof Error ? thrown.message : '');
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  private async json<T>(path: string, options?: Options): Promise<T> {
    const response = await this.fetch(path, options);
    return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
  }

  async query(query: Query, signal?: AbortSignal): Promise<Answer> {
    const answer = await this.json<Answer>('/api/v1/query', { method: 'POST', body: query, signal });
    // Over a denominator of 0 the API sends null for all four. Where nothing was withheld, that is what they mean.
    if (answer.meta.suppressed === 0) answer.rows.forEach(({ metrics }) => zeroDenominators(metrics));
    return answer;
  }

  dataQuality(signal?: AbortSignal): Promise<DataQuality> {
    return this.json('/api/v1/data-quality', { signal });
  }

  deadLetters(cursor: string | null, signal?: AbortSignal): Promise<DeadLetters> {
    return this.json(`/api/v1/dead-letters?${new URLSearchParams({ limit: '50', ...(cursor ? { cursor } : {}) })}`, { signal });
  }

  /** Of which tools there are numbers. */
  async aggregates(signal?: AbortSignal): Promise<AggregateLine[]> {
    return (await this.json<{ aggregates: AggregateLine[] }>('/api/v1/aggregates', { signal })).aggregates;
  }

  bridge(asked: Record<string, string>, signal?: AbortSignal): Promise<Bridge> {
    return this.json(`/api/v1/bridges?${new URLSearchParams(asked)}`, { signal });
  }

  me(signal?: AbortSignal): Promise<Me> {
    return this.json('/api/v1/session', { signal });
  }

  /** Begins a session of this browser. */
  signInWith(email: string, password: string): Promise<Me> {
    return this.json('/api/v1/session', { method: 'POST', body: { email, password } });
  }

  /** Sets the password of whoever was invited, and begins a session of this browser. */
  redeem(secret: string, password: string): Promise<Me> {
    return this.json('/api/v1/invitations/redeem', { method: 'POST', body: { secret, password } });
  }

  async signOut(everywhere: boolean): Promise<void> {
    await this.fetch(`/api/v1/session${everywhere ? '?all=1' : ''}`, { method: 'DELETE' });
  }

  async sites(signal?: AbortSignal): Promise<Site[]> {
    return (await this.json<{ sites: Site[] }>('/api/v1/sites', { signal })).sites;
  }

  /** Creates or replaces; `site` may carry more than the settings, which are picked out. */
  saveSite(site: Site): Promise<unknown> {
    const settings = Object.fromEntries(
      SITE_SETTINGS.filter((key) => site[key] !== undefined && site[key] !== null).map((key) => [key, site[key]]),
    );
    return this.json(`/api/v1/sites/${encodeURIComponent(site.site)}`, { method: 'PUT', body: settings });
  }

  /** The whole catalogue in one language, page by page. */
  async services(language: string, signal?: AbortSignal): Promise<ServiceSummary[]> {
    const all: ServiceSummary[] = [];
    let cursor: string | null = null;
    do {
      const search: string = new URLSearchParams({ limit: '1000', language, ...(cursor ? { cursor } : {}) }).toString();
      const page: { services: ServiceSummary[]; next_cursor?: string | null } = await this.json(
        `/api/v1/services?${search}`, { signal });
      all.push(...page.services);
      cursor = page.next_cursor ?? null;
    } while (cursor);
    return all;
  }

  service(slug: string, language: string, signal?: AbortSignal): Promise<Entry> {
    return this.json(`/api/v1/services/${encodeURIComponent(slug)}?language=${language}`, { signal });
  }

  subject(id: string, site: string, at: string | null, signal?: AbortSignal): Promise<SubjectAnswer> {
    const search = new URLSearchParams({ site, ...(at ? { at } : {}) });
    return this.json(`/api/v1/subjects/${encodeURIComponent(id)}?${search}`, { signal });
  }

  async exports(signal?: AbortSignal): Promise<Export[]> {
    return (await this.json<{ exports: Export[] }>('/api/v1/audit/exports', { signal })).exports;
  }

  /** Starts an export and returns the path that tells its state. */
  async startExport(body: { site: string; from: string; to: string; language: string }): Promise<string> {
    const response = await this.fetch('/api/v1/audit/exports', { method: 'POST', body });
    const location = response.headers.get('location');
    if (!location) throw new ApiProblem(response.status, '', 'the answer names no Location');
    return location;
  }

  export(path: string, signal?: AbortSignal): Promise<Export> {
    return this.json(path, { signal });
  }

  async tokens(signal?: AbortSignal): Promise<Token[]> {
    return (await this.json<{ tokens: Token[] }>('/api/v1/tokens', { signal })).tokens;
  }

  makeToken(token: NewToken): Promise<Token> {
    return this.json('/api/v1/tokens', { method: 'POST', body: token });
  }

  async revokeToken(id: string): Promise<void> {
    await this.fetch(`/api/v1/tokens/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  async people(signal?: AbortSignal): Promise<Person[]> {
    return (await this.json<{ people: Person[] }>('/api/v1/people', { signal })).people;
  }

  makePerson(person: NewPerson): Promise<Invited> {
    return this.json('/api/v1/people', { method: 'POST', body: person });
  }

  changePerson(id: string, change: { role?: Role; disabled?: boolean }): Promise<Person> {
    return this.json(`/api/v1/people/${encodeURIComponent(id)}`, { method: 'PATCH', body: change });
  }

  async removePerson(id: string): Promise<void> {
    await this.fetch(`/api/v1/people/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  invite(id: string): Promise<Invited> {
    return this.json(`/api/v1/people/${encodeURIComponent(id)}/invitation`, { method: 'POST' });
  }

  async sessions(signal?: AbortSignal): Promise<OpenSession[]> {
    return (await this.json<{ sessions: OpenSession[] }>('/api/v1/sessions', { signal })).sessions;
  }

  async endSession(id: string): Promise<void> {
    await this.fetch(`/api/v1/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  changePassword(current: string, password: string): Promise<Me> {
    return this.json('/api/v1/session/password', { method: 'PUT', body: { current, password } });
  }

  async shares(signal?: AbortSignal): Promise<Share[]> {
    return (await this.json<{ shares: Share[] }>('/api/v1/shares', { signal })).shares;
  }

  share(path: string, name: string, days: number): Promise<Share> {
    return this.json('/api/v1/shares', { method: 'POST', body: { path, name, days } });
  }

  async revokeShare(id: string): Promise<void> {
    await this.fetch(`/api/v1/shares/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  accesses(cursor: string | null, signal?: AbortSignal): Promise<{ accesses: Access[]; next_cursor: string | null }> {
    const search = new URLSearchParams({ limit: '50', ...(cursor ? { cursor } : {}) });
    return this.json(`/api/v1/access-log?${search}`, { signal });
  }
}

function zeroDenominators(metrics: Metrics): void {
  for (const name in metrics) if (name.endsWith('_denominator')) metrics[name] ??= 0;
}

// The one door to the server: the client that is generated from the OpenAPI document, so that a path, a parameter or a field
// that the server does not have does not compile. Every request carries the bearer token, or without one the session's
// cookie; every refusal comes back as an `ApiProblem`.
import createClient from 'openapi-fetch';
import type { SubjectAnswer } from '../audit/subject';
import type { Entry, EntryVersion, KeptEntry } from './entry';
import { ApiProblem, problemOf, wasAborted } from './problem';
import type { paths } from './schema';
import type {
  Access, AggregateLine, Alert, AlertRule, Answer, Bridge, DataQuality, DeadLetters, Delivery, Export, Invited, Me, Metrics,
  NewPerson, NewReport, NewToken, NewWebhook, OpenSession, Person, Query, Report, Role, Rule, ObservedService, ServiceSummary, Share, Site,
  Thresholds, Token, Ways, Webhook,
} from './types';

/** What `PUT /api/v1/sites/{site}` takes; it refuses anything else. */
const SITE_SETTINGS = [
  'name', 'origins', 'services', 'timezone', 'page_templates', 'dismiss_means', 'suppress_below', 'validity_days',
  'retention', 'quotas', 'controllers', 'processor', 'notice_url', 'jurisdictions', 'authority', 'withdrawal',
  'purposes', 'ledger',
] as const;

type BridgeAsked = paths['/api/v1/bridges']['get']['parameters']['query'];

/** What the generated client makes of an answer. */
interface Answered<T> {
  data?: T;
  response: Response;
}

export class Client {
  private readonly api;

  /** Without a token it is the browser's session that speaks. */
  constructor(private readonly token: string | null) {
    this.api = createClient<paths>({
      baseUrl: location.origin,
      cache: 'no-store',
      credentials: token === null ? 'same-origin' : 'omit',
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      fetch: (request) => this.send(request),
    });
  }

  /** A raw request. Throws for every answer that is not 2xx. */
  fetch(path: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Response> {
    const headers = new Headers(this.token === null ? {} : { authorization: `Bearer ${this.token}` });
    const credentials = this.token === null ? 'same-origin' : 'omit';
    return this.send(new Request(path, { headers, signal: signal ?? null, cache: 'no-store', credentials }));
  }

  private async send(request: Request): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(request);
    } catch (thrown) {
      if (wasAborted(thrown)) throw thrown;
      throw new ApiProblem(0, '', thrown instanceof Error ? thrown.message : '');
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  async query(query: Query, signal?: AbortSignal): Promise<Answer> {
    const answer: Answer = await open(this.api.POST('/api/v1/query', { body: query, ...given(signal) }));
    // Over a denominator of 0 the API sends null for all four. Where nothing was withheld, that is what they mean.
    if (answer.meta.suppressed === 0) answer.rows.forEach(({ metrics }) => zeroDenominators(metrics));
    return answer;
  }

  dataQuality(signal?: AbortSignal): Promise<DataQuality> {
    return read(this.api.GET('/api/v1/data-quality', given(signal)));
  }

  deadLetters(cursor: string | null, signal?: AbortSignal): Promise<DeadLetters> {
    return read(this.api.GET('/api/v1/dead-letters', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } }, ...given(signal) }));
  }

  /** Of which tools there are numbers. */
  async aggregates(signal?: AbortSignal): Promise<AggregateLine[]> {
    const { aggregates }: { aggregates: AggregateLine[] } = await read(this.api.GET('/api/v1/aggregates', given(signal)));
    return aggregates;
  }

  bridge(asked: BridgeAsked, signal?: AbortSignal): Promise<Bridge> {
    return open(this.api.GET('/api/v1/bridges', { params: { query: asked }, ...given(signal) }));
  }

  me(signal?: AbortSignal): Promise<Me> {
    return read(this.api.GET('/api/v1/session', given(signal)));
  }

  ways(signal?: AbortSignal): Promise<Ways> {
    return read(this.api.GET('/api/v1/session/ways', given(signal)));
  }

  /** Begins a session of this browser. */
  signInWith(email: string, password: string): Promise<Me> {
    return read(this.api.POST('/api/v1/session', { body: { email, password } }));
  }

  /** Sets the password of whoever was invited, and begins a session of this browser. */
  redeem(secret: string, password: string): Promise<Me> {
    return read(this.api.POST('/api/v1/invitations/redeem', { body: { secret, password } }));
  }

  async signOut(everywhere: boolean): Promise<void> {
    await this.api.DELETE('/api/v1/session', { params: { query: everywhere ? { all: 1 } : {} } });
  }

  async sites(signal?: AbortSignal): Promise<Site[]> {
    const { sites }: { sites: Site[] } = await read(this.api.GET('/api/v1/sites', given(signal)));
    return sites;
  }

  /** Creates or replaces; `site` may carry more than the settings, which are picked out. */
  saveSite(site: Site): Promise<unknown> {
    const settings = Object.fromEntries(
      SITE_SETTINGS.filter((key) => site[key] !== undefined && site[key] !== null).map((key) => [key, site[key]]),
    );
    return read(this.api.PUT('/api/v1/sites/{site}', { params: { path: { site: site.site } }, body: { name: site.name, ...settings } }));
  }

  /** The whole catalogue in one language, page by page. */
  async services(language: string, signal?: AbortSignal): Promise<ServiceSummary[]> {
    const all: ServiceSummary[] = [];
    let cursor: string | null = null;
    do {
      const query: { limit: number; language: string; cursor?: string } = { limit: 1000, language, ...(cursor ? { cursor } : {}) };
      const page: { services: ServiceSummary[]; next_cursor?: string | null } =
        await read(this.api.GET('/api/v1/services', { params: { query }, ...given(signal) }));
      all.push(...page.services);
      cursor = page.next_cursor ?? null;
    } while (cursor);
    return all;
  }

  /** In one language; as it was at a moment, if one is given (RFC 3339). */
  service(slug: string, language: string, at: string | null, signal?: AbortSignal): Promise<Entry> {
    const query = { language, ...(at ? { at } : {}) };
    return open(this.api.GET('/api/v1/services/{slug}', { params: { path: { slug }, query }, ...given(signal) }));
  }

  /** As it is kept, each text in all its languages. */
  keptService(slug: string, signal?: AbortSignal): Promise<KeptEntry> {
    return open(this.api.GET('/api/v1/services/{slug}', { params: { path: { slug }, query: { language: 'all' } }, ...given(signal) }));
  }

  async saveService(entry: KeptEntry): Promise<void> {
    await this.api.PUT('/api/v1/services/{slug}', { params: { path: { slug: entry.slug } }, body: entry });
  }

  /** Takes back what the operator said of it: a shipped entry is in force again, where there is one. */
  async withdrawService(slug: string): Promise<void> {
    await this.api.DELETE('/api/v1/services/{slug}', { params: { path: { slug } } });
  }

  /** Newest first. */
  async serviceHistory(slug: string, signal?: AbortSignal): Promise<EntryVersion[]> {
    const { versions }: { versions: EntryVersion[] } = await open(this.api.GET('/api/v1/services/{slug}/history', { params: { path: { slug } }, ...given(signal) }));
    return versions;
  }

  observationSwitch(site: string, hours: number): Promise<{ switch: string; until: string }> {
    return read(this.api.POST('/api/v1/sites/{site}/observation-switch', { params: { path: { site } }, body: { hours } }));
  }

  async observations(site: string, signal?: AbortSignal): Promise<ObservedService[]> {
    const { services }: { services: ObservedService[] } = await read(this.api.GET('/api/v1/observations', { params: { query: { site } }, ...given(signal) }));
    return services;
  }

  subject(id: string, site: string, at: string | null, signal?: AbortSignal): Promise<SubjectAnswer> {
    return open(this.api.GET('/api/v1/subjects/{id}', { params: { path: { id }, query: { site, ...(at ? { at } : {}) } }, ...given(signal) }));
  }

  async exports(signal?: AbortSignal): Promise<Export[]> {
    const { exports }: { exports: Export[] } = await read(this.api.GET('/api/v1/audit/exports', given(signal)));
    return exports;
  }

  /** Starts an export and returns its id. */
  async startExport(body: { site: string; from: string; to: string; language: string }): Promise<string> {
    const { id }: Export = await read(this.api.POST('/api/v1/audit/exports', { body }));
    return id;
  }

  export(id: string, signal?: AbortSignal): Promise<Export> {
    return read(this.api.GET('/api/v1/audit/exports/{id}', { params: { path: { id } }, ...given(signal) }));
  }

  async tokens(signal?: AbortSignal): Promise<Token[]> {
    const { tokens }: { tokens: Token[] } = await read(this.api.GET('/api/v1/tokens', given(signal)));
    return tokens;
  }

  makeToken(token: NewToken): Promise<Token> {
    return read(this.api.POST('/api/v1/tokens', { body: token }));
  }

  async revokeToken(id: string): Promise<void> {
    await this.api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } });
  }

  async people(signal?: AbortSignal): Promise<Person[]> {
    const { people }: { people: Person[] } = await read(this.api.GET('/api/v1/people', given(signal)));
    return people;
  }

  makePerson(person: NewPerson): Promise<Invited> {
    return read(this.api.POST('/api/v1/people', { body: person }));
  }

  changePerson(id: string, change: { role?: Role; disabled?: boolean }): Promise<Person> {
    return read(this.api.PATCH('/api/v1/people/{id}', { params: { path: { id } }, body: change }));
  }

  async removePerson(id: string): Promise<void> {
    await this.api.DELETE('/api/v1/people/{id}', { params: { path: { id } } });
  }

  invite(id: string): Promise<Invited> {
    return read(this.api.POST('/api/v1/people/{id}/invitation', { params: { path: { id } } }));
  }

  async sessions(signal?: AbortSignal): Promise<OpenSession[]> {
    const { sessions }: { sessions: OpenSession[] } = await read(this.api.GET('/api/v1/sessions', given(signal)));
    return sessions;
  }

  async endSession(id: string): Promise<void> {
    await this.api.DELETE('/api/v1/sessions/{id}', { params: { path: { id } } });
  }

  changePassword(current: string, password: string): Promise<Me> {
    return read(this.api.PUT('/api/v1/session/password', { body: { current, password } }));
  }

  async shares(signal?: AbortSignal): Promise<Share[]> {
    const { shares }: { shares: Share[] } = await read(this.api.GET('/api/v1/shares', given(signal)));
    return shares;
  }

  share(path: string, name: string, days: number): Promise<Share> {
    return read(this.api.POST('/api/v1/shares', { body: { path, name, days } }));
  }

  async revokeShare(id: string): Promise<void> {
    await this.api.DELETE('/api/v1/shares/{id}', { params: { path: { id } } });
  }

  accesses(cursor: string | null, signal?: AbortSignal): Promise<{ accesses: Access[]; next_cursor: string | null }> {
    return read(this.api.GET('/api/v1/access-log', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } }, ...given(signal) }));
  }

  async alerts(state: 'open' | 'closed', signal?: AbortSignal): Promise<Alert[]> {
    const { alerts }: { alerts: Alert[] } = await read(this.api.GET('/api/v1/alerts', { params: { query: { state } }, ...given(signal) }));
    return alerts;
  }

  acknowledge(id: string, note: string): Promise<Alert> {
    return read(this.api.POST('/api/v1/alerts/{id}/acknowledge', { params: { path: { id } }, body: { note } }));
  }

  async alertRules(signal?: AbortSignal): Promise<AlertRule[]> {
    const { rules }: { rules: AlertRule[] } = await read(this.api.GET('/api/v1/alert-rules', given(signal)));
    return rules;
  }

  setAlertRule(rule: Rule, site: string | null, thresholds: Thresholds): Promise<AlertRule> {
    return read(this.api.PUT('/api/v1/alert-rules/{rule}', { params: { path: { rule }, query: site === null ? {} : { site } }, body: thresholds }));
  }

  async resetAlertRule(rule: Rule, site: string | null): Promise<void> {
    await this.api.DELETE('/api/v1/alert-rules/{rule}', { params: { path: { rule }, query: site === null ? {} : { site } } });
  }

  async webhooks(signal?: AbortSignal): Promise<Webhook[]> {
    const { webhooks }: { webhooks: Webhook[] } = await read(this.api.GET('/api/v1/webhooks', given(signal)));
    return webhooks;
  }

  makeWebhook(webhook: NewWebhook): Promise<Webhook> {
    return read(this.api.POST('/api/v1/webhooks', { body: webhook }));
  }

  enableWebhook(id: string, enabled: boolean): Promise<Webhook> {
    return read(this.api.PATCH('/api/v1/webhooks/{id}', { params: { path: { id } }, body: { enabled } }));
  }

  async deleteWebhook(id: string): Promise<void> {
    await this.api.DELETE('/api/v1/webhooks/{id}', { params: { path: { id } } });
  }

  testWebhook(id: string): Promise<Delivery> {
    return read(this.api.POST('/api/v1/webhooks/{id}/test', { params: { path: { id } } }));
  }

  async deliveries(id: string, signal?: AbortSignal): Promise<Delivery[]> {
    const { deliveries }: { deliveries: Delivery[] } =
      await read(this.api.GET('/api/v1/webhooks/{id}/deliveries', { params: { path: { id }, query: { limit: 50 } }, ...given(signal) }));
    return deliveries;
  }

  redeliver(id: string, message: string): Promise<Delivery> {
    return read(this.api.POST('/api/v1/webhooks/{id}/deliveries/{message}/redeliver', { params: { path: { id, message } } }));
  }

  async reports(signal?: AbortSignal): Promise<Report[]> {
    const { reports }: { reports: Report[] } = await read(this.api.GET('/api/v1/reports', given(signal)));
    return reports;
  }

  makeReport(report: NewReport): Promise<Report> {
    return read(this.api.POST('/api/v1/reports', { body: report }));
  }

  async deleteReport(id: string): Promise<void> {
    await this.api.DELETE('/api/v1/reports/{id}', { params: { path: { id } } });
  }
}

/** What the document says of an answer: whatever may be null is sent, as null. */
type Sent<D> = D extends readonly (infer U)[] ? Sent<U>[] : D extends object ? { [K in keyof D]-?: Sent<Exclude<D[K], undefined>> } : D;
/** The same with texts that may be any: the document does not list a role's or a scope's names. */
type Loose<T> = T extends string ? string : T extends readonly (infer U)[] ? Loose<U>[] : T extends object ? { [K in keyof T]: Loose<T[K]> } : T;

/** An answer as the page reads it; what the document does not promise does not compile. */
async function read<D, T>(asked: Promise<Answered<D>>, ..._: [Sent<D>] extends [Loose<T>] ? [] : [never]): Promise<T> {
  return (await asked).data as unknown as T;
}

/** An answer whose names the document leaves open: dimensions, metrics, services. */
async function open<T>(asked: Promise<Answered<unknown>>): Promise<T> {
  return (await asked).data as T;
}

/** A signal where there is one: `undefined` is no value of that option. */
const given = (signal: AbortSignal | undefined) => (signal ? { signal } : {});

function zeroDenominators(metrics: Metrics): void {
  for (const name in metrics) if (name.endsWith('_denominator')) metrics[name] ??= 0;
}

// The one door to the server: every request carries the bearer token, every refusal comes back as an `ApiProblem`.
import type { SubjectAnswer } from '../audit/subject';
import { ApiProblem, problemOf, wasAborted } from './problem';
import type { Entry } from './entry';
import type {
  Alert, AlertRule, Answer, Delivery, Export, Me, NewReport, NewToken, NewWebhook, Query, Report, Rule, ServiceSummary,
  Site, Thresholds, Token, Webhook,
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
  constructor(private readonly token: string) {}

  /** A raw request with the token. Throws for every answer that is not 2xx. */
  async fetch(path: string, { method = 'GET', body, signal }: Options = {}): Promise<Response> {
    const headers = new Headers({ authorization: `Bearer ${this.token}` });
    if (body !== undefined) headers.set('content-type', 'application/json');
    let response: Response;
    try {
      response = await fetch(path, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal ?? null,
        cache: 'no-store',
        credentials: 'omit',
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

  query(query: Query, signal?: AbortSignal): Promise<Answer> {
    return this.json('/api/v1/query', { method: 'POST', body: query, signal });
  }

  me(signal?: AbortSignal): Promise<Me> {
    return this.json('/api/v1/me', { signal });
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

  async alerts(state: 'open' | 'closed', signal?: AbortSignal): Promise<Alert[]> {
    return (await this.json<{ alerts: Alert[] }>(`/api/v1/alerts?state=${state}`, { signal })).alerts;
  }

  acknowledge(id: string, note: string): Promise<Alert> {
    return this.json(`/api/v1/alerts/${id}/acknowledge`, { method: 'POST', body: { note } });
  }

  async alertRules(signal?: AbortSignal): Promise<AlertRule[]> {
    return (await this.json<{ rules: AlertRule[] }>('/api/v1/alert-rules', { signal })).rules;
  }

  setAlertRule(rule: Rule, site: string | null, thresholds: Thresholds): Promise<AlertRule> {
    return this.json(ruleAt(rule, site), { method: 'PUT', body: thresholds });
  }

  async resetAlertRule(rule: Rule, site: string | null): Promise<void> {
    await this.fetch(ruleAt(rule, site), { method: 'DELETE' });
  }

  async webhooks(signal?: AbortSignal): Promise<Webhook[]> {
    return (await this.json<{ webhooks: Webhook[] }>('/api/v1/webhooks', { signal })).webhooks;
  }

  makeWebhook(webhook: NewWebhook): Promise<Webhook> {
    return this.json('/api/v1/webhooks', { method: 'POST', body: webhook });
  }

  enableWebhook(id: string, enabled: boolean): Promise<Webhook> {
    return this.json(`/api/v1/webhooks/${id}`, { method: 'PATCH', body: { enabled } });
  }

  async deleteWebhook(id: string): Promise<void> {
    await this.fetch(`/api/v1/webhooks/${id}`, { method: 'DELETE' });
  }

  testWebhook(id: string): Promise<Delivery> {
    return this.json(`/api/v1/webhooks/${id}/test`, { method: 'POST' });
  }

  async deliveries(id: string, signal?: AbortSignal): Promise<Delivery[]> {
    const path = `/api/v1/webhooks/${id}/deliveries?limit=50`;
    return (await this.json<{ deliveries: Delivery[] }>(path, { signal })).deliveries;
  }

  redeliver(id: string, message: string): Promise<Delivery> {
    return this.json(`/api/v1/webhooks/${id}/deliveries/${encodeURIComponent(message)}/redeliver`, { method: 'POST' });
  }

  async reports(signal?: AbortSignal): Promise<Report[]> {
    return (await this.json<{ reports: Report[] }>('/api/v1/reports', { signal })).reports;
  }

  makeReport(report: NewReport): Promise<Report> {
    return this.json('/api/v1/reports', { method: 'POST', body: report });
  }

  async deleteReport(id: string): Promise<void> {
    await this.fetch(`/api/v1/reports/${id}`, { method: 'DELETE' });
  }
}

function ruleAt(rule: Rule, site: string | null): string {
  return `/api/v1/alert-rules/${rule}${site === null ? '' : `?${new URLSearchParams({ site })}`}`;
}

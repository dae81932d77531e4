// The shapes that the server's API sends and takes, as far as this page uses them, with the names that a text may have. The
// client holds them against what is generated from the OpenAPI document; nothing else in the page repeats a field's name.

export const COUNTS = [
  'shown', 'decisions', 'accept_all', 'reject_all', 'custom', 'dismissed', 'no_choice', 'automatic', 'withdrawals',
  'visitors', 'granted', 'denied', 'partial', 'undecided', 'not_disclosed', 'observed_without_consent',
  'median_seconds_to_decide', 'median_clicks_to_decide', 'median_seconds_to_withdraw', 'opted_in', 'loaded', 'loaded_with_consent',
] as const;
export type Count = (typeof COUNTS)[number];

export const RATES = [
  'interaction_rate', 'consent_rate', 'opt_in_rate', 'accept_all_rate', 'reject_all_rate', 'withdrawal_rate',
  'revoked_rate_7d', 'revoked_rate_30d', 'reprompted_rate_6m', 'traffic_consent_rate',
] as const;
export type Rate = (typeof RATES)[number];
export type Metric = Count | Rate;

export type Dimension =
  | 'site' | 'service' | 'category' | 'country' | 'region' | 'device' | 'browser' | 'os' | 'language'
  | 'banner_version' | 'variant' | 'method' | 'prompt' | 'regime' | 'source' | 'bot' | 'time'
  | 'signal' | 'finding';

export const INTERVALS = ['hour', 'day', 'week', 'month'] as const;
export type Interval = (typeof INTERVALS)[number];

export const REGIMES = ['opt_in', 'opt_out', 'notice', 'none'] as const;
export type Regime = (typeof REGIMES)[number];

export const CATEGORIES = ['necessary', 'preferences', 'statistics', 'marketing'] as const;

export const OPERATORS = ['is', 'is_not', 'contains'] as const;
export type Operator = (typeof OPERATORS)[number];
export type Filter = [Operator, Dimension, string[]];

export const COMPARISONS = ['previous_period', 'previous_year'] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** The body of `POST /api/v1/query`. `date_range` is two inclusive days in `timezone`. */
export interface Query {
  sites?: string[];
  date_range: [string, string];
  interval?: Interval;
  timezone: string;
  metrics: Metric[];
  dimensions: Dimension[];
  filters: Filter[];
  order_by?: [string, 'asc' | 'desc'][];
  limit?: number;
  cursor?: string | null;
  /** The earlier days that rows are compared with; without it they are not. */
  compare?: Comparison | null;
}

/** Rates come with `<rate>_low`, `<rate>_high` and `<rate>_denominator` beside them; a suppressed metric is null. */
export type Metrics = Partial<Record<string, number | null>>;

export interface Row {
  dimensions: Partial<Record<Dimension, string>>;
  metrics: Metrics;
  /** The same of an earlier period, where the question asked for one. */
  comparison?: Earlier | null;
}

/**
 * `change` of a count is relative, (now - then) / then; of a rate the difference in points as a fraction (0.03: three
 * points), with `<rate>_low` and `<rate>_high`, its 95 % interval. Null where one of the two is null or then was 0.
 */
export interface Earlier {
  dimensions: Partial<Record<Dimension, string>>;
  metrics: Metrics;
  change: Metrics;
}

export interface Answer {
  rows: Row[];
  meta: { freshness: string | null; sampled: boolean; suppressed: number; next_cursor: string | null };
}

/** A site with its settings in force. Everything but `site` is what `PUT /api/v1/sites/{site}` takes. */
/** Whether the beacon may look which services of the catalogue are on the page. */
export type ObserveMode = 'off' | 'audit' | 'all';

export interface Site {
  site: string;
  name: string;
  timezone: string;
  services: Record<string, string>;
  origins?: string[];
  page_templates?: string[];
  dismiss_means?: 'refusal' | 'no_choice';
  suppress_below?: number;
  observe?: { mode: ObserveMode; legal_basis?: string };
  [setting: string]: unknown;
}

export interface ServiceSummary {
  slug: string;
  name: string;
  category: string;
  group: string;
  tags: string[];
  /** `avow` for what ships, `operator`, or what an import calls itself. */
  origin: string;
  eprivacy: string;
  risk_level: string;
  summary: string;
  operator: string | null;
  cookies: { name: string; match: string }[];
  domains: string[];
}

/** A service that pages of a site used while it was not granted; `observed_for_review` where the catalogue says that it depends. */
export interface ObservedService {
  slug: string;
  name: string;
  state: 'observed_without_consent' | 'observed_for_review';
  events: number;
  first_seen: string;
  last_seen: string;
  pages: { page: string; events: number }[];
  cookies: string[];
  domains: string[];
}

export const SCOPES = ['events:write', 'stats:read', 'audit:read', 'audit:export', 'subjects:erase', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** A token as the server keeps it; `token` is there once, in the answer that made it. */
export interface Token {
  id: string;
  name: string;
  scopes: Scope[];
  sites: string[] | null;
  made_at?: string | number;
  expires_at?: string | number | null;
  token?: string;
}

/** Who is signed in, by whatever. */
export interface Me {
  entry: 'session' | 'token' | 'share';
  id: string;
  name: string;
  /** Of a person. */
  email: string | null;
  role: 'admin' | 'auditor' | 'analyst' | null;
  scopes: Scope[];
  /** Null: all. */
  sites: string[] | null;
  expires_at: string | null;
}

export interface NewToken {
  name: string;
  scopes: Scope[];
  sites?: string[];
  expires_at?: string;
}

export interface Export {
  id: string;
  site: string;
  /** Instants of the log's own time; `to` is exclusive. */
  from: string;
  to: string;
  state: 'queued' | 'running' | 'done' | 'failed';
  /** 0 to 1. */
  progress: number;
  error: string | null;
  records: number | null;
  size_bytes: number | null;
  sha256: string | null;
  /** Events of the period that no published checkpoint covers yet: they are not in the zip. */
  waiting: number | null;
  /** When the first of them was logged. */
  waiting_since: string | null;
  /** The path of the zip, once it is there. */
  bundle: string | null;
}

export const RULES = ['consent_rate', 'before_consent', 'ingestion_silent', 'checkpoint_late'] as const;
export type Rule = (typeof RULES)[number];

/** Something that is not as usual, or was not. What `seen` and `expected` hold depends on the rule. */
export interface Alert {
  id: string;
  rule: Rule;
  /** Null: the installation as a whole. */
  site: string | null;
  /** The service, or the ledger. */
  about: string | null;
  since: string;
  opened_at: string;
  closed_at: string | null;
  seen: Record<string, unknown>;
  expected: Record<string, unknown>;
  acknowledged: { at: string; by: string; note: string } | null;
}

export type Thresholds = Record<string, number | boolean>;

export interface AlertRule {
  rule: Rule;
  /** Null: for every site that has none of its own. */
  site: string | null;
  thresholds: Thresholds;
  defaults: Thresholds;
  set_at: string | null;
}

export const MESSAGE_KINDS = ['alert.opened', 'alert.closed', 'report.ready'] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** `secret` is there once, in the answer that made it. */
export interface Webhook {
  id: string;
  url: string;
  events: MessageKind[];
  sites: string[] | null;
  description: string;
  disabled_at: string | null;
  disabled_reason: string | null;
  secret?: string;
}

export interface NewWebhook {
  url: string;
  events: MessageKind[];
  sites?: string[];
  description: string;
}

export interface Delivery {
  id: string;
  type: string;
  made_at: string;
  state: 'pending' | 'delivered' | 'failed' | 'dropped';
  attempts: number;
  status: number | null;
  said: string;
  next_attempt_at: string | null;
}

export interface NewReport {
  name: string;
  webhook: string;
  sites: string[];
  every: 'day' | 'week' | 'month';
  hour: number;
  timezone: string;
  form: 'csv' | 'pdf';
  view: 'overview' | 'services';
  language: string;
}

export interface Report extends NewReport {
  id: string;
  next_at: string | null;
}

/** One message of `GET /api/v1/live`: what was counted of one site since the last one, a second ago. */
export interface LiveCounts {
  site: string;
  time: string;
  shown: number;
  decisions: number;
  granted: number;
  denied: number;
  withdrawals: number;
  by_type: Record<string, number>;
}

/** What was read of one site and what became of it: read = stored + repeats + dead letters. */
export interface SiteBooks {
  /** Null: records of which no site could be read. */
  site: string | null;
  read: number;
  stored: number;
  repeats: number;
  dead_letters: number;
  rows: { events: number; controls: number; erased: number };
  balanced: boolean;
  /** Events that name a banner artefact which was never put. */
  unknown_text_hash: number;
  logged_to: string | null;
}

export interface DataQuality {
  freshness: string | null;
  sites: SiteBooks[];
  balanced: boolean;
}

export interface DeadLetter {
  log_id: string | null;
  partition: number;
  position: number;
  site: string;
  at: string;
  reason: string;
  size_bytes: number;
  /** Null: sent again now, it would be stored. */
  obstacle: string | null;
  replayed: boolean;
}

export interface DeadLetters {
  letters: DeadLetter[];
  next: string | null;
  total: number;
  waiting: number;
}

export const ROLES = ['analyst', 'auditor', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Somebody who may sign in. */
export interface Person {
  id: string;
  name: string;
  email: string;
  role: Role;
  /** Null: all. */
  sites: string[] | null;
  made_at: string;
  disabled_at: string | null;
  has_password: boolean;
  has_identity: boolean;
  /** Until when an invitation that is not redeemed holds. */
  invited_until: string | null;
}

export interface NewPerson {
  name: string;
  email: string;
  role: Role;
  sites?: string[];
}

/** `invitation` is a path of this server with the secret behind `#`; it is there once, in the answer that made it. */
export type Invited = Person & { invitation: string };

/** One of one's own sessions. */
export interface OpenSession {
  id: string;
  current: boolean;
  made_at: string;
  seen_at: string;
  expires_at: string;
}

/** A link that shows one view; `link` is there once, in the answer that made it. */
export interface Share {
  id: string;
  name: string;
  path: string;
  by_name: string | null;
  made_at: string;
  expires_at: string;
  works: boolean;
  link?: string;
}

/** One request that the access log has. */
export interface Access {
  id: string;
  at: string;
  entry: 'session' | 'token' | 'share';
  name: string;
  method: string;
  route: string;
  site: string | null;
  /** A digest; null: it was about no single person. */
  subject: string | null;
  status: number;
}

/** Of which tool there are numbers of a site. */
export interface AggregateLine {
  site: string;
  source: string;
  timezone: string;
  rate: string;
  counts: string[];
  from: string;
  to: string;
  days: number;
  made_at: string;
}

export type BridgeStepName = 'denominator' | 'bots' | 'timezone' | 'repeats' | 'prompts' | 'automatic' | 'remainder';

/** Numbers are null where they are withheld or there is nothing to divide by. */
export interface BridgeStep {
  step: BridgeStepName;
  words: string;
  after: number | null;
  moved: number | null;
  withheld: boolean;
  numerator: number | null;
  denominator: number | null;
  /** Of `repeats` alone. */
  repeats?: number;
  low?: number;
  high?: number;
}

/** Another tool's number beside ours. Differences of rates: 0.03 is three points. */
export interface Bridge {
  site: string;
  source: string;
  date_range: [string, string];
  ours: {
    metric: string; definition: string; timezone: string; rate: number | null; low: number | null; high: number | null;
    numerator: number | null; denominator: number | null;
  };
  theirs: {
    definition: string; timezone: string; counts: string[]; rate: number | null; numerator: number | null; denominator: number | null;
    made_at: string;
  };
  difference: number | null;
  steps: BridgeStep[];
  unexplained: number | null;
  withheld: boolean;
  freshness: string | null;
}

/** How people sign in here. */
export interface Ways {
  password: boolean;
  oidc: { name: string; path: string } | null;
}

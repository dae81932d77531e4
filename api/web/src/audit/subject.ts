// What `GET /api/v1/subjects/{id}` says of one subject, brought into the shape that the page draws: what stood at a
// moment, and what happened. The whole record stays beside it, so that nothing is hidden from an auditor.

interface Choice {
  category?: string;
  state: string;
  disclosure?: string;
  since: string;
  expires_at: string | null;
  expired: boolean;
}

interface Entry {
  id: string;
  type: string;
  occurred_at: string;
  method: string;
  banner_version: string;
  language: string;
  variant: string;
  categories: Record<string, boolean>;
  purposes: Record<string, boolean>;
  choices: { service: string; category: string; state: string; disclosure: string }[];
}

export interface SubjectAnswer {
  subject: string;
  site: string;
  at: string;
  services: Record<string, Choice>;
  categories: Record<string, Choice>;
  purposes: Record<string, Choice>;
  /** Oldest first. */
  history: Entry[];
  truncated: boolean;
}

export interface Standing {
  name: string;
  state: string;
  since: string;
  expiresAt: string | null;
  expired: boolean;
}

export interface HistoryEvent {
  id: string;
  type: string;
  method: string;
  occurredAt: string;
  /** State to names: categories and purposes as the event names them, services as that is understood. */
  states: [string, string[]][];
  /** Services whose state is their category's, without proof that the banner listed them. */
  unproven: string[];
  banner: string[];
  raw: unknown;
}

export interface Subject {
  at: string;
  categories: Standing[];
  services: Standing[];
  purposes: Standing[];
  /** Newest first. */
  history: HistoryEvent[];
  truncated: boolean;
}

const ORDER = ['granted', 'partial', 'denied', 'withdrawn', 'not_disclosed'];

export function readSubject(answer: SubjectAnswer): Subject {
  return {
    at: answer.at,
    categories: standings(answer.categories),
    services: standings(answer.services),
    purposes: standings(answer.purposes),
    history: answer.history.map(readEvent).reverse(),
    truncated: answer.truncated,
  };
}

function standings(choices: Record<string, Choice>): Standing[] {
  return Object.entries(choices).map(([name, { state, since, expires_at, expired }]) =>
    ({ name, state, since, expiresAt: expires_at, expired }));
}

function readEvent(entry: Entry): HistoryEvent {
  const no = entry.type === 'withdrawn' ? 'withdrawn' : 'denied';
  const named = { ...entry.categories, ...entry.purposes };
  const all: [string, string][] = [
    ...Object.entries(named).map(([name, yes]): [string, string] => [name, yes ? 'granted' : no]),
    ...entry.choices.map(({ service, state }): [string, string] => [service, state]),
  ];
  return {
    id: entry.id,
    type: entry.type,
    method: entry.method,
    occurredAt: entry.occurred_at,
    states: ORDER.map((state): [string, string[]] => [state, all.filter(([, is]) => is === state).map(([name]) => name)])
      .filter(([, names]) => names.length > 0),
    unproven: entry.choices.filter(({ disclosure }) => disclosure === 'unproven').map(({ service }) => service),
    banner: [entry.banner_version, entry.language, entry.variant].filter((part) => part !== ''),
    raw: entry,
  };
}

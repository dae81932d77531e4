// What the server says of one subject, brought into the shape that the page draws: what stands at a moment, and what
// happened. Unknown fields are kept in `raw`, so that nothing of a record is hidden from an auditor.

export interface Standing {
  name: string;
  state: string;
  since: string | null;
  expiresAt: string | null;
  expired: boolean;
}

export interface HistoryEvent {
  id: string;
  type: string;
  method: string | null;
  prompt: string | null;
  occurredAt: string;
  receivedAt: string | null;
  granted: string[];
  denied: string[];
  banner: string[];
  raw: unknown;
}

export interface Subject {
  at: string | null;
  categories: Standing[];
  services: Standing[];
  purposes: Standing[];
  history: HistoryEvent[];
}

type Fields = Record<string, unknown>;

const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Fields : {});
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

export function readSubject(answer: Fields): Subject {
  const now = { ...answer, ...fields(answer.state) };
  return {
    at: text(answer.at),
    categories: standings(now.categories),
    services: standings(now.services),
    purposes: standings(now.purposes),
    history: (Array.isArray(answer.history) ? answer.history : []).map((event) => readEvent(fields(event))),
  };
}

/** Either `{"chaport": "granted"}` or `{"chaport": {"state": "granted", "expires_at": ...}}`. */
function standings(value: unknown): Standing[] {
  return Object.entries(fields(value)).map(([name, stated]) => {
    const detail = fields(stated);
    const granted = stated === true || detail.granted === true;
    const denied = stated === false || detail.granted === false;
    return {
      name,
      state: text(stated) ?? text(detail.state) ?? (granted ? 'granted' : denied ? 'denied' : 'undecided'),
      since: text(detail.since),
      expiresAt: text(detail.expires_at),
      expired: detail.expired === true || detail.state === 'expired',
    };
  });
}

function readEvent(event: Fields): HistoryEvent {
  const choices = { ...fields(event.categories), ...fields(event.services), ...fields(event.purposes) };
  const named = (wanted: boolean) => Object.keys(choices).filter((name) => choices[name] === wanted);
  const banner = fields(event.banner);
  const part = (key: string) => text(banner[key]) ?? text(event[`banner_${key}`]) ?? text(event[key]);
  return {
    id: text(event.id) ?? '',
    type: text(event.type) ?? text(event.event_type) ?? '',
    method: text(event.method),
    prompt: text(event.prompt),
    occurredAt: text(event.occurred_at) ?? '',
    receivedAt: text(event.received_at),
    granted: named(true),
    denied: named(false),
    banner: ['version', 'language', 'variant'].map(part).filter((value) => value !== null),
    raw: event,
  };
}

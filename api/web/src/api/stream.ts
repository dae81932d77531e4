// Server-sent events over `fetch`, because `EventSource` cannot send the bearer token: a parser of the format, and a
// loop that reads `/api/v1/live`, reconnects with growing pauses and reports how it stands.
import type { Client } from './client';
import { asProblem, wasAborted, type ApiProblem } from './problem';
import type { LiveCounts } from './types';

export interface StreamEvent {
  event: string;
  data: string;
}

/** Takes text as it arrives, in whatever pieces, and gives the events completed by it (WHATWG HTML, 9.2.6). */
export class EventParser {
  private rest = '';
  private event = '';
  private data: string[] = [];

  push(chunk: string): StreamEvent[] {
    const found: StreamEvent[] = [];
    const lines = (this.rest + chunk).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.line(line, found);
    return found;
  }

  private line(line: string, found: StreamEvent[]): void {
    if (line === '') {
      if (this.data.length > 0) found.push({ event: this.event || 'message', data: this.data.join('\n') });
      this.event = '';
      this.data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.event = value;
    else if (field === 'data') this.data.push(value);
  }
}

export type LiveState = 'connecting' | 'open' | 'waiting';

export interface LiveHandlers {
  counts(counts: LiveCounts): void;
  state(state: LiveState): void;
  /** A refusal after which trying again is of no use (401, 403, 422). */
  refused(problem: ApiProblem): void;
}

const PAUSES = [500, 1_000, 2_000, 5_000, 10_000];
/** Silence after which a connection counts as dead; the server sends a comment or counts more often. */
const SILENCE = 45_000;

/** Follows the live counts of one site, or of all that the token may see, until the signal aborts. */
export async function followLive(client: Client, site: string | null, on: LiveHandlers, stop: AbortSignal) {
  for (let attempt = 0; !stop.aborted; ) {
    on.state('connecting');
    try {
      await readOnce(client, site, on, stop, () => (attempt = 0));
    } catch (thrown) {
      if (stop.aborted) return;
      const problem = asProblem(thrown);
      if (!wasAborted(thrown) && problem.status >= 400 && problem.status < 500 && problem.status !== 429) {
        on.refused(problem);
        return;
      }
    }
    on.state('waiting');
    await pause(PAUSES[Math.min(attempt, PAUSES.length - 1)] ?? 0, stop);
    attempt += 1;
  }
}

async function readOnce(client: Client, site: string | null, on: LiveHandlers, stop: AbortSignal, alive: () => void) {
  const silent = new AbortController();
  const signal = AbortSignal.any([stop, silent.signal]);
  const search = site ? `?${new URLSearchParams({ site })}` : '';
  const response = await client.fetch(`/api/v1/live${search}`, { signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  on.state('open');
  const parser = new EventParser();
  let watch = setTimeout(() => silent.abort(), SILENCE);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      clearTimeout(watch);
      watch = setTimeout(() => silent.abort(), SILENCE);
      for (const { event, data } of parser.push(value)) {
        if (event === 'counts') on.counts(JSON.parse(data) as LiveCounts);
      }
    }
  } finally {
    clearTimeout(watch);
    await reader.cancel().catch(() => undefined);
  }
}

function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    stop.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

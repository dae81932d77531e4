// The live stream as reactive values: how the connection stands, and the last minute second by second.
import type { Client } from '../api/client';
import { followLive, type LiveState } from '../api/stream';
import type { ApiProblem } from '../api/problem';
import type { LiveCounts } from '../api/types';
import { LiveWindow, type Second, type Totals } from './window';

export class LiveFeed {
  state = $state<LiveState>('connecting');
  refused = $state.raw<ApiProblem | null>(null);
  totals = $state.raw<Totals>(new LiveWindow().totals(0));
  perSecond = $state.raw<number[]>(new LiveWindow().perSecond(0));
  rows = $state.raw<Second[]>([]);
  now = $state(Date.now());
  /** How many of the last minute's seconds have been followed so far. */
  seconds = $state(0);

  private readonly window = new LiveWindow();
  private since = 0;
  private controller: AbortController | null = null;
  private clock: ReturnType<typeof setInterval> | null = null;

  /** Follows these sites (empty: all); `heard` is told of all that was counted, `caughtUp` whenever the stream opens. */
  follow(client: Client, sites: readonly string[], heard: (counts: LiveCounts) => void, caughtUp = () => {}): void {
    this.close();
    this.window.clear();
    this.since = Date.now();
    this.tick();
    this.refused = null;
    const controller = new AbortController();
    this.controller = controller;
    this.clock = setInterval(() => this.tick(), 1000);
    const only = sites.length === 1 ? (sites[0] ?? null) : null;
    void followLive(client, only, {
      counts: (counts) => {
        if (sites.length > 1 && !sites.includes(counts.site)) return;
        this.window.add(counts, Date.now());
        this.tick();
        heard(counts);
      },
      state: (state) => {
        this.state = state;
        // What was counted while nobody listened is not told again: look it up.
        if (state === 'open') caughtUp();
      },
      refused: (problem) => (this.refused = problem),
    }, controller.signal);
  }

  close(): void {
    this.controller?.abort();
    this.controller = null;
    if (this.clock !== null) clearInterval(this.clock);
    this.clock = null;
  }

  private tick(): void {
    this.now = Date.now();
    this.seconds = Math.min(60, Math.floor((this.now - this.since) / 1000) + 1);
    this.totals = this.window.totals(this.now);
    this.perSecond = this.window.perSecond(this.now);
    this.rows = this.window.rows(this.now, this.seconds);
  }
}

// The live stream as reactive values: how the connection stands, and the last minute second by second.
import type { Client } from '../api/client';
import { followLive, type LiveState } from '../api/stream';
import type { ApiProblem } from '../api/problem';
import type { LiveCounts } from '../api/types';
import { LiveWindow, type Totals } from './window';

export class LiveFeed {
  state = $state<LiveState>('connecting');
  refused = $state.raw<ApiProblem | null>(null);
  totals = $state.raw<Totals>(new LiveWindow().totals(0));
  perSecond = $state.raw<number[]>(new LiveWindow().perSecond(0));
  now = $state(Date.now());

  private readonly window = new LiveWindow();
  private controller: AbortController | null = null;
  private clock: ReturnType<typeof setInterval> | null = null;

  /** Follows these sites (empty: all); `heard` is told of all that was counted. */
  follow(client: Client, sites: readonly string[], heard: (counts: LiveCounts) => void): void {
    this.close();
    this.window.clear();
    this.refused = null;
    const controller = new AbortController();
    this.controller = controller;
    this.clock = setInterval(() => this.tick(), 1000);
    const only = sites.length === 1 ? (sites[0] ?? null) : null;
    void followLive(client, only, {
      counts: (counts) => {
        if (sites.length > 1 && counts.site !== null && !sites.includes(counts.site)) return;
        this.window.add(counts, Date.now());
        this.tick();
        heard(counts);
      },
      state: (state) => (this.state = state),
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
    this.totals = this.window.totals(this.now);
    this.perSecond = this.window.perSecond(this.now);
  }
}

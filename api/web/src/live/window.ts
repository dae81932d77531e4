// The last minute of the live counts, second by second: what the strip draws and says.
import type { LiveCounts } from '../api/types';

const SECONDS = 60;

export interface Totals {
  events: number;
  shown: number;
  decisions: number;
  granted: number;
  denied: number;
  withdrawn: number;
}

/** One second and what was counted in it. */
export interface Second {
  at: Date;
  totals: Totals;
}

const NOTHING: Totals = { events: 0, shown: 0, decisions: 0, granted: 0, denied: 0, withdrawn: 0 };

export class LiveWindow {
  private readonly seconds = new Map<number, Totals>();

  /** Takes counts as they arrive; `now` in milliseconds. */
  add(counts: LiveCounts, now: number): void {
    const second = Math.floor(now / 1000);
    const before = this.seconds.get(second) ?? NOTHING;
    const events = Object.values(counts.by_type).reduce((sum, n) => sum + n, 0);
    this.seconds.set(second, {
      events: before.events + events,
      shown: before.shown + counts.shown,
      decisions: before.decisions + counts.decisions,
      granted: before.granted + counts.granted,
      denied: before.denied + counts.denied,
      withdrawn: before.withdrawn + (counts.withdrawals),
    });
    this.forget(second);
  }

  private forget(second: number): void {
    for (const key of this.seconds.keys()) if (key <= second - SECONDS) this.seconds.delete(key);
  }

  /** Sums over the last minute. */
  totals(now: number): Totals {
    const second = Math.floor(now / 1000);
    const sum = { ...NOTHING };
    for (const [key, totals] of this.seconds) {
      if (key <= second - SECONDS) continue;
      for (const name of Object.keys(sum) as (keyof Totals)[]) sum[name] += totals[name];
    }
    return sum;
  }

  /** Events per second, oldest first, 60 of them. */
  perSecond(now: number): number[] {
    const second = Math.floor(now / 1000);
    return Array.from({ length: SECONDS }, (_, i) => this.seconds.get(second - SECONDS + 1 + i)?.events ?? 0);
  }

  /** The last `seconds` seconds with their beginnings, oldest first: the table behind the bars. */
  rows(now: number, seconds: number): Second[] {
    const second = Math.floor(now / 1000);
    return Array.from({ length: seconds }, (_, i) => {
      const at = second - seconds + 1 + i;
      return { at: new Date(at * 1000), totals: this.seconds.get(at) ?? NOTHING };
    });
  }

  clear(): void {
    this.seconds.clear();
  }
}

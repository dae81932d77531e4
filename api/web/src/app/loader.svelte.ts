// What a page of numbers loads: it keeps the last good answer while a newer one is fetched or fails, and refreshes when it
// is told that something was counted, never faster than the server comfortably answers.
import { asProblem, wasAborted, type ApiProblem } from '../api/problem';
import { session } from './session.svelte';

/** The shortest pause between two refreshes, and how many times the last answer took it is at least. */
const SHORTEST_PAUSE = 1_000;
const TIMES_THE_ANSWER = 4;
/** After failures the pause doubles, up to this. */
const LONGEST_PAUSE = 30_000;

export class Loader<T> {
  data = $state.raw<T | null>(null);
  problem = $state.raw<ApiProblem | null>(null);
  /** Something else is asked for and is not here yet; `data` is of what was asked before. */
  stale = $state(true);

  private controller: AbortController | null = null;
  private ask: ((signal: AbortSignal) => Promise<T>) | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private startedAt = 0;
  private took = 0;
  private failures = 0;

  /** Shows something else. */
  show(ask: (signal: AbortSignal) => Promise<T>): void {
    this.stale = true;
    this.ask = ask;
    void this.load();
  }

  /** Something was counted: refresh soon. */
  nudge(): void {
    if (this.timer !== null || document.hidden) return;
    const pause = Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, this.took * TIMES_THE_ANSWER) * 2 ** this.failures);
    const wait = Math.max(0, this.startedAt + pause - performance.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.controller === null) void this.load();
      else this.nudge();
    }, wait);
  }

  retry(): void {
    void this.load();
  }

  close(): void {
    this.controller?.abort();
    this.controller = null;
    this.ask = null;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private async load(): Promise<void> {
    if (!this.ask) return;
    this.controller?.abort();
    const controller = new AbortController();
    this.controller = controller;
    this.startedAt = performance.now();
    try {
      const data = await this.ask(controller.signal);
      if (this.controller !== controller) return;
      this.data = data;
      this.problem = null;
      this.failures = 0;
      this.stale = false;
    } catch (thrown) {
      if (wasAborted(thrown) || this.controller !== controller) return;
      this.problem = asProblem(thrown);
      this.failures += 1;
      session.notice(this.problem);
    } finally {
      if (this.controller === controller) {
        this.controller = null;
        this.took = performance.now() - this.startedAt;
      }
    }
  }
}

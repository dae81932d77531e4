// The overview's state: loads, keeps the last good numbers while newer ones are fetched or fail, and refreshes when the
// live stream says that something was counted, never faster than the server comfortably answers.
import type { Client } from '../api/client';
import { asProblem, wasAborted, type ApiProblem } from '../api/problem';
import { session } from '../app/session.svelte';
import type { ViewState } from '../view/state';
import { loadBoard, type BoardData } from './queries';

/** The shortest pause between two refreshes, and how many times the last answer took it is at least. */
const SHORTEST_PAUSE = 1_000;
const TIMES_THE_ANSWER = 4;
/** After failures the pause doubles, up to this. */
const LONGEST_PAUSE = 30_000;

export class Board {
  data = $state.raw<BoardData | null>(null);
  problem = $state.raw<ApiProblem | null>(null);
  /** The view has changed and its numbers are not here yet; `data` is of the view before. */
  stale = $state(true);

  private controller: AbortController | null = null;
  private again: (() => void) | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private startedAt = 0;
  private took = 0;
  private failures = 0;

  /** Shows another view. */
  show(client: Client, view: ViewState, timezone: string): void {
    this.stale = true;
    this.again = () => void this.load(client, view, timezone);
    this.again();
  }

  /** Something was counted: refresh soon. */
  nudge(): void {
    if (this.timer !== null || document.hidden) return;
    const pause = Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, this.took * TIMES_THE_ANSWER) * 2 ** this.failures);
    const wait = Math.max(0, this.startedAt + pause - performance.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.controller === null) this.again?.();
      else this.nudge();
    }, wait);
  }

  retry(): void {
    this.again?.();
  }

  close(): void {
    this.controller?.abort();
    this.controller = null;
    this.again = null;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private async load(client: Client, view: ViewState, timezone: string): Promise<void> {
    this.controller?.abort();
    const controller = new AbortController();
    this.controller = controller;
    this.startedAt = performance.now();
    try {
      const data = await loadBoard(client, view, timezone, new Date(), controller.signal);
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

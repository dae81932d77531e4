// Something that is tried against the server: while it lasts, and why it did not work.
import { asProblem, wasAborted, type ApiProblem } from '../api/problem';
import { session } from '../app/session.svelte';

export class Attempt {
  problem = $state.raw<ApiProblem | null>(null);
  busy = $state(false);

  /** Does the work and keeps what went wrong; what was given up on purpose is no problem. */
  async run(work: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    try {
      await work();
      this.problem = null;
    } catch (thrown) {
      if (!wasAborted(thrown)) {
        this.problem = asProblem(thrown);
        session.notice(this.problem);
      }
    }
    this.busy = false;
  }
}

// Who is signed in: an access token, kept for this tab only. `#token=...` signs in and leaves the address bar before
// anything else happens, so that it reaches neither the history nor a screenshot.
import { Client } from '../api/client';
import type { ApiProblem } from '../api/problem';

const STORED = 'avow.token';

class Session {
  client = $state.raw<Client | null>(null);
  /** Why the reader was signed out, if it was not their own wish. */
  refused = $state(false);

  /** Call once, before the first render. */
  start(): void {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const given = fragment.get('token');
    if (given !== null) {
      fragment.delete('token');
      const rest = fragment.toString();
      history.replaceState(history.state, '', location.pathname + location.search + (rest ? `#${rest}` : ''));
    }
    const token = given?.trim() || sessionStorage.getItem(STORED);
    if (token) this.signIn(token);
  }

  signIn(token: string): void {
    sessionStorage.setItem(STORED, token);
    this.refused = false;
    this.client = new Client(token);
  }

  signOut(): void {
    sessionStorage.removeItem(STORED);
    this.client = null;
  }

  /** To be shown every problem: a token that is no longer accepted ends the session. */
  notice(problem: ApiProblem): void {
    if (!problem.unauthorized || !this.client) return;
    this.signOut();
    this.refused = true;
  }
}

export const session = new Session();

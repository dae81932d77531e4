// Who is signed in. A person by a session, whose cookie no script sees; whoever has an access token or the link of a shared
// view by that, kept for this tab only. `#token=...`, `#share=...` and the secret of an invitation leave the address bar
// before anything else happens, so that they reach neither the history nor a screenshot.
import { Client } from '../api/client';
import { asProblem, type ApiProblem } from '../api/problem';
import type { Me } from '../api/types';

const STORED = 'avow.token';
const SHARED = 'avow.share';

/** By what the reader came in. */
export type Entry = 'session' | 'token' | 'share';

class Session {
  client = $state.raw<Client | null>(null);
  entry = $state<Entry>('session');
  /** Whether it is not known yet if the browser holds a session. */
  asking = $state(false);
  /** Who it is, where that was asked to find out if there is a session. */
  known: Me | null = null;
  /** Why the reader was signed out, if it was not their own wish. */
  refused = $state<Entry | null>(null);
  /** Why a provider of identities has signed nobody in: the code that the server sends the browser back with. */
  provider = $state<string | null>(null);
  /** The secret of an invitation that the reader has followed. */
  invitation = $state<string | null>(null);

  /** Call once, before the first render. */
  start(): void {
    const [token, share] = [taken('token', STORED), taken('share', SHARED)];
    this.provider = given('signin');
    if (location.pathname === '/invite' && location.hash.length > 1) {
      this.invitation = location.hash.slice(1);
      history.replaceState(history.state, '', location.pathname);
    }
    if (share) this.enter('share', share);
    else if (token) this.signIn(token);
    else void this.resume();
  }

  /** Goes on with the browser's session, where there is one. */
  private async resume(): Promise<void> {
    this.asking = true;
    const client = new Client(null);
    try {
      this.known = await client.me();
      this.client = client;
    } catch (thrown) {
      // Without a session the server says 401; whatever else it says, signing in will meet it again.
      asProblem(thrown);
    }
    this.asking = false;
  }

  /** With an access token. */
  signIn(token: string): void {
    sessionStorage.setItem(STORED, token);
    this.enter('token', token);
  }

  /** With the session that the browser has just been given. */
  signedIn(): void {
    this.enter('session', null);
  }

  private enter(entry: Entry, secret: string | null): void {
    this.refused = null;
    this.known = null;
    this.provider = null;
    this.entry = entry;
    this.client = new Client(secret);
  }

  /** Ends a person's session on the server, on every device if so asked; forgets anything else. */
  async signOut({ everywhere = false } = {}): Promise<void> {
    const client = this.client;
    this.leave();
    if (client && this.entry === 'session') await client.signOut(everywhere).catch(() => undefined);
  }

  private leave(): void {
    sessionStorage.removeItem(STORED);
    sessionStorage.removeItem(SHARED);
    this.known = null;
    this.client = null;
  }

  /** To be shown every problem: what is no longer accepted ends the session. */
  notice(problem: ApiProblem): void {
    if (!problem.unauthorized || !this.client) return;
    this.leave();
    this.refused = this.entry;
  }
}

/** What the fragment gives under a name; that leaves the address bar. Null where it gives nothing. */
function given(name: string): string | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const text = fragment.get(name);
  if (text === null) return null;
  fragment.delete(name);
  const rest = fragment.toString();
  history.replaceState(history.state, '', location.pathname + location.search + (rest ? `#${rest}` : ''));
  return text.trim();
}

/** What the fragment gives under a name, else what this tab has kept under another. What the fragment gives is kept. */
function taken(name: string, stored: string): string | null {
  const text = given(name);
  if (text === null) return sessionStorage.getItem(stored);
  [STORED, SHARED].forEach((other) => sessionStorage.removeItem(other));
  if (text) sessionStorage.setItem(stored, text);
  return text || null;
}

export const session = new Session();

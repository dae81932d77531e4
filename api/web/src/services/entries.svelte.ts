// Entries of the catalogue, as pages ask for them: one of them, or all of them to be searched.
import { untrack } from 'svelte';
import type { Client } from '../api/client';
import type { Entry } from '../api/entry';
import { asProblem, wasAborted, type ApiProblem } from '../api/problem';
import type { ServiceSummary } from '../api/types';
import { directory } from '../app/directory.svelte';
import { language } from '../app/locale.svelte';
import { session } from '../app/session.svelte';

/** A browser has six connections to a server over HTTP/1.1: two stay free for the numbers. */
const AT_ONCE = 4;

/** The entry that `wanted` names, if it names one. While another is on its way, the last one stays. Made within a component. */
export class OneEntry {
  entry = $state.raw<Entry | null>(null);
  problem = $state.raw<ApiProblem | null>(null);

  constructor(client: Client, wanted: () => { slug: string; language: string } | null) {
    $effect(() => {
      const asked = wanted();
      if (!asked) return;
      return asking(async (signal) => {
        this.entry = await client.service(asked.slug, asked.language, signal);
        this.problem = null;
      }, (problem) => (this.problem = problem));
    });
  }
}

/** All services in the reader's language: first their summaries, then entry by entry what these do not hold. Made within a component. */
export class AllEntries {
  services = $state.raw<ServiceSummary[]>(untrack(() => directory.services));
  entries = $state.raw<ReadonlyMap<string, Entry>>(new Map());
  /** Whether every entry has been read, in this language. */
  complete = $state(false);
  problem = $state.raw<ApiProblem | null>(null);

  constructor(client: Client) {
    $effect(() => {
      const spoken = language.current;
      this.complete = false;
      return asking(async (signal) => {
        this.services = await client.services(spoken, signal);
        this.problem = null;
        const entries = new Map<string, Entry>();
        for (let at = 0; at < this.services.length; at += AT_ONCE) {
          const next = this.services.slice(at, at + AT_ONCE);
          for (const entry of await Promise.all(next.map(({ slug }) => client.service(slug, spoken, signal)))) entries.set(entry.slug, entry);
          this.entries = new Map(entries);
        }
        this.complete = true;
      }, (problem) => (this.problem = problem));
    });
  }
}

/** Runs `load`, and returns what gives it up. */
function asking(load: (signal: AbortSignal) => Promise<void>, failed: (problem: ApiProblem) => void): () => void {
  const controller = new AbortController();
  load(controller.signal).catch((thrown: unknown) => {
    if (wasAborted(thrown)) return;
    const problem = asProblem(thrown);
    failed(problem);
    session.notice(problem);
  });
  return () => controller.abort();
}

// The catalogue, as pages ask for it: one entry, or all services in short, to be searched.
import { untrack } from 'svelte';
import type { Client } from '../api/client';
import type { Entry } from '../api/entry';
import { asProblem, wasAborted, type ApiProblem } from '../api/problem';
import type { ServiceSummary } from '../api/types';
import { directory } from '../app/directory.svelte';
import { language } from '../app/locale.svelte';
import { session } from '../app/session.svelte';
import { stated } from './stated';

/** Which entry, in which language, and as it was when; now, if no moment is given. */
export interface Asked {
  slug: string;
  language: string;
  at?: string | null;
}

/** The entry that `wanted` names, if it names one. While another is on its way, the last one stays. Made within a component. */
export class OneEntry {
  entry = $state.raw<Entry | null>(null);
  problem = $state.raw<ApiProblem | null>(null);
  /** Counts how often it was asked to look again. */
  private again = $state(0);

  constructor(client: Client, wanted: () => Asked | null) {
    $effect(() => {
      const asked = wanted();
      void this.again;
      if (!asked) return;
      return asking(async (signal) => {
        this.entry = await client.service(asked.slug, asked.language, asked.at ?? null, signal);
        this.problem = null;
      }, (problem) => (this.problem = problem));
    });
  }

  /** Once it has been changed. */
  reload(): void {
    this.again += 1;
  }
}

/** What it is, in short, and what it could be taken for; where that is stated. */
export const aboutOf = (entry: Entry | null): string => [stated(entry?.summary), entry?.disambiguation].filter(Boolean).join(' ');

/** All services in the reader's language. Made within a component. */
export class AllServices {
  services = $state.raw<ServiceSummary[]>(untrack(() => directory.services));
  /** Whether they have been read in this language. */
  complete = $state(false);
  problem = $state.raw<ApiProblem | null>(null);

  constructor(client: Client) {
    $effect(() => {
      const spoken = language.current;
      this.complete = false;
      return asking(async (signal) => {
        this.services = await client.services(spoken, signal);
        this.problem = null;
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

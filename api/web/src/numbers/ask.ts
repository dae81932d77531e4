// How a page of numbers asks: all of its questions at once, of one regime, shown at once, so that no two numbers on a page
// are of different moments by more than their own answers.
import type { Client } from '../api/client';
import type { Answer, Comparison, Interval, Metric, Query, Regime, Row } from '../api/types';
import { resolvePeriod, suitableInterval } from '../view/period';
import { filtersOf, type ViewState } from '../view/state';

/** What of a view decides the numbers, with every default made explicit. */
export interface Scope {
  sites: string[];
  range: [string, string];
  interval: Interval;
  timezone: string;
  regime: Regime;
}

export interface Numbers<K extends string> {
  scope: Scope;
  /** One row per regime that occurs. */
  regimes: Row[];
  rows: Record<K, Row[]>;
  /** Up to when events are counted; the oldest of the answers. */
  freshness: Date | null;
  suppressed: number;
}

export function scopeOf(view: ViewState, timezone: string, now: Date): Scope {
  const range = resolvePeriod(view.period, timezone, now);
  return {
    sites: view.sites, range, timezone,
    interval: view.interval ?? suitableInterval(range),
    regime: view.regime ?? 'opt_in',
  };
}

export function queryOf(scope: Scope, part: Pick<Query, 'metrics' | 'dimensions' | 'filters'>): Query {
  return {
    ...(scope.sites.length > 0 ? { sites: scope.sites } : {}),
    date_range: scope.range,
    timezone: scope.timezone,
    ...(part.dimensions.includes('time') ? { interval: scope.interval } : {}),
    limit: 1000,
    ...part,
  };
}

/** The regime to show when none was asked for: opt-in, else the one with the most banners. */
export function chooseRegime(rows: readonly Row[]): Regime | null {
  if (rows.length === 0 || rows.some((row) => row.dimensions.regime === 'opt_in')) return 'opt_in';
  const largest = [...rows].sort((a, b) => (b.metrics.shown ?? 0) - (a.metrics.shown ?? 0))[0];
  return (largest?.dimensions.regime as Regime | undefined) ?? null;
}

/** What a page asks about a scope; `byRegime` is what it wants to know of each regime. */
export interface Asking<K extends string> {
  byRegime?: Metric[];
  /** The rows by regime are compared too. */
  compare?: Comparison | null;
  questions: (scope: Scope) => Record<K, Query>;
}

/** What every page asks first: one row per regime. */
export function regimes<K extends string>(view: ViewState, scope: Scope, asking: Asking<K>): Query {
  return {
    ...queryOf(scope, { metrics: asking.byRegime ?? ['shown', 'decisions'], dimensions: ['regime'], filters: filtersOf(view) }),
    compare: asking.compare ?? null,
  };
}

export async function loadNumbers<K extends string>(
  client: Client, view: ViewState, timezone: string, now: Date, asking: Asking<K>, signal: AbortSignal,
): Promise<Numbers<K>> {
  const scope = scopeOf(view, timezone, now);
  const found = await ask(client, view, scope, asking, signal);
  const better = view.regime === null ? chooseRegime(found.regimes) : null;
  return better && better !== scope.regime ? ask(client, view, { ...scope, regime: better }, asking, signal) : found;
}

async function ask<K extends string>(
  client: Client, view: ViewState, scope: Scope, asking: Asking<K>, signal: AbortSignal,
): Promise<Numbers<K>> {
  const asked = asking.questions(scope);
  const names = Object.keys(asked) as K[];
  // The same question is asked once, however many parts it answers.
  const once = new Map<string, Promise<Answer>>();
  const answerOf = (one: Query) => {
    const key = JSON.stringify(one);
    const answer = once.get(key) ?? allPages(client, one, signal);
    once.set(key, answer);
    return answer;
  };
  const all = [regimes(view, scope, asking), ...names.map((name) => asked[name])];
  const [first, ...answers] = await Promise.all(all.map(answerOf));
  const moments = [first, ...answers].map((answer) => Date.parse(answer?.meta.freshness ?? '')).filter(Number.isFinite);
  return {
    scope,
    regimes: first?.rows ?? [],
    rows: Object.fromEntries(names.map((name, i) => [name, answers[i]?.rows ?? []])) as Record<K, Row[]>,
    freshness: moments.length > 0 ? new Date(Math.min(...moments)) : null,
    suppressed: [...new Set([first, ...answers])].reduce((sum, answer) => sum + (answer?.meta.suppressed ?? 0), 0),
  };
}

const MOST_PAGES = 20;

async function allPages(client: Client, query: Query, signal: AbortSignal): Promise<Answer> {
  const first = await client.query(query, signal);
  let cursor = first.meta.next_cursor;
  for (let page = 1; cursor && page < MOST_PAGES; page += 1) {
    const next = await client.query({ ...query, cursor }, signal);
    first.rows.push(...next.rows);
    first.meta.suppressed += next.meta.suppressed;
    cursor = next.meta.next_cursor;
  }
  return first;
}

// The questions that the overview asks, and how their answers are put together. All of one board are asked at once and
// shown at once, so that no two numbers on the page are of different moments by more than their own answers.
import type { Client } from '../api/client';
import type { Answer, Filter, Interval, Metric, Query, Regime, Row } from '../api/types';
import { resolvePeriod, suitableInterval } from '../view/period';
import { botFilters, type ViewState } from '../view/state';

const PAIRS: Metric[] = ['consent_rate', 'granted', 'denied'];

const HEADLINE: Metric[] = [
  'shown', 'decisions', 'accept_all', 'reject_all', 'custom', 'no_choice', 'withdrawals', 'dismissed', 'automatic',
  'granted', 'denied', 'interaction_rate', 'consent_rate', 'accept_all_rate', 'reject_all_rate', 'withdrawal_rate',
];

/** What of a view decides the numbers, with every default made explicit. */
export interface Scope {
  sites: string[];
  range: [string, string];
  interval: Interval;
  timezone: string;
  regime: Regime;
}

export interface BoardData {
  scope: Scope;
  /** One row per regime that occurs. */
  regimes: Row[];
  headline: Row | null;
  time: Row[];
  category: Row[];
  service: Row[];
  site: Row[];
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

/** Rates are never pooled over regimes: the headline is by regime, everything else is of one. */
export function questions(view: ViewState, scope: Scope): Record<'headline' | 'time' | 'category' | 'service' | 'site', Query> {
  const bots = botFilters(view);
  const filters: Filter[] = [...bots, ['is', 'regime', [scope.regime]]];
  const { focus } = view;
  return {
    headline: queryOf(scope, { metrics: HEADLINE, dimensions: ['regime'], filters: bots }),
    time: queryOf(scope, {
      metrics: [...PAIRS, 'decisions', 'shown'],
      dimensions: focus ? ['time', focus.dimension] : ['time'],
      filters: focus ? [...filters, ['is', focus.dimension, [focus.value]]] : filters,
    }),
    category: queryOf(scope, {
      metrics: [...PAIRS, 'partial', 'undecided', 'withdrawals', 'decisions'], dimensions: ['category'], filters,
    }),
    service: queryOf(scope, {
      metrics: [...PAIRS, 'undecided', 'withdrawals', 'decisions'], dimensions: ['service'], filters,
    }),
    site: queryOf(scope, {
      metrics: [...PAIRS, 'interaction_rate', 'shown', 'decisions', 'withdrawals'], dimensions: ['site'], filters,
    }),
  };
}

/** The regime to show when none was asked for: opt-in, else the one with the most banners. */
export function chooseRegime(rows: readonly Row[]): Regime | null {
  if (rows.length === 0 || rows.some((row) => row.dimensions.regime === 'opt_in')) return 'opt_in';
  const largest = [...rows].sort((a, b) => (b.metrics.shown ?? 0) - (a.metrics.shown ?? 0))[0];
  return (largest?.dimensions.regime as Regime | undefined) ?? null;
}

export async function loadBoard(
  client: Client, view: ViewState, timezone: string, now: Date, signal: AbortSignal,
): Promise<BoardData> {
  const scope = scopeOf(view, timezone, now);
  const board = await ask(client, view, scope, signal);
  const better = view.regime === null ? chooseRegime(board.regimes) : null;
  return better && better !== scope.regime ? ask(client, view, { ...scope, regime: better }, signal) : board;
}

async function ask(client: Client, view: ViewState, scope: Scope, signal: AbortSignal): Promise<BoardData> {
  const asked = questions(view, scope);
  const names = Object.keys(asked) as (keyof typeof asked)[];
  const answers = await Promise.all(names.map((name) => allPages(client, asked[name], signal)));
  const rows = Object.fromEntries(names.map((name, i) => [name, answers[i]?.rows ?? []])) as Record<keyof typeof asked, Row[]>;
  const moments = answers.map((answer) => Date.parse(answer.meta.freshness ?? '')).filter(Number.isFinite);
  return {
    scope,
    regimes: rows.headline,
    headline: rows.headline.find((row) => row.dimensions.regime === scope.regime) ?? null,
    time: rows.time,
    category: rows.category,
    service: rows.service,
    site: rows.site,
    freshness: moments.length > 0 ? new Date(Math.min(...moments)) : null,
    suppressed: answers.reduce((sum, answer) => sum + answer.meta.suppressed, 0),
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

// What a page of numbers shows, as a value that lives in the address: a link is the view. Defaults are left out, so that the
// plain address stays plain; what an address says wrongly is ignored rather than refused.
import { COMPARISONS, INTERVALS, REGIMES, type Comparison, type Filter, type Interval, type Regime } from '../api/types';
import { parseFilters, writeFilter } from './filters';
import { isDay, isTimezone, PRESETS, resolvePeriod, type Period, type Preset } from './period';

/** The panels that can show a table instead of a chart. */
export const PANELS = [
  'time', 'choices', 'category', 'service', 'site', 'country', 'device', 'browser', 'os', 'language', 'arms', 'strata',
  'effort', 'withdrawal', 'bridge', 'verdict', 'live', 'signal', 'tcf', 'gpc', 'version',
] as const;
export type PanelId = (typeof PANELS)[number];

export interface Focus {
  dimension: 'service' | 'category';
  value: string;
}

export interface ViewState {
  period: Period;
  /** Empty: all that the token may see. */
  sites: string[];
  /** Null: what suits the period. */
  interval: Interval | null;
  /** Null: the sites' own zone where they share one, else UTC. */
  timezone: string | null;
  /** Null: opt-in, or where there is none, the regime with the most banners. */
  regime: Regime | null;
  withoutBots: boolean;
  /** With which earlier days the numbers are compared; null: with none. */
  compare: Comparison | null;
  /** Beyond sites, regime and bots, which have controls of their own. */
  filters: Filter[];
  /** Whose rate over time is drawn; null: all services together. */
  focus: Focus | null;
  /** The axis of the line shows only the span that occurs. */
  zoomed: boolean;
  /** Panels whose table is open. */
  tables: PanelId[];
}

export const DEFAULT_PERIOD: Period = { preset: '28d' };
const DEFAULT_COMPARISON: Comparison = 'previous_period';
const NO_COMPARISON = 'none';

/** Every parameter that a view is written with; a page's own ones must have other names. */
export const VIEW_KEYS = [
  'from', 'to', 'period', 'site', 'interval', 'timezone', 'regime', 'bots', 'compare', 'filter', 'service', 'category', 'axis', 'table',
];

export function parseView(search: URLSearchParams): ViewState {
  const service = search.get('service');
  const category = search.get('category');
  const timezone = search.get('timezone');
  return {
    period: parsePeriod(search),
    sites: [...new Set(search.getAll('site').filter((site) => site !== ''))].sort(),
    interval: oneOf(INTERVALS, search.get('interval')),
    timezone: isTimezone(timezone) ? timezone : null,
    regime: oneOf(REGIMES, search.get('regime')),
    withoutBots: search.get('bots') === 'without',
    compare: search.get('compare') === NO_COMPARISON ? null : oneOf(COMPARISONS, search.get('compare')) ?? DEFAULT_COMPARISON,
    filters: parseFilters(search.getAll('filter')),
    focus: service ? { dimension: 'service', value: service }
      : category ? { dimension: 'category', value: category } : null,
    zoomed: search.get('axis') === 'fit',
    tables: PANELS.filter((panel) => search.getAll('table').includes(panel)),
  };
}

function parsePeriod(search: URLSearchParams): Period {
  const [from, to] = [search.get('from'), search.get('to')];
  if (isDay(from) && isDay(to)) return from <= to ? { from, to } : { from: to, to: from };
  const preset = oneOf(PRESETS, search.get('period'));
  return preset ? { preset } : DEFAULT_PERIOD;
}

function oneOf<T extends string>(known: readonly T[], text: string | null): T | null {
  return known.find((value) => value === text) ?? null;
}

/** The address's query, in a fixed order; empty for the default view. */
export function serialiseView(view: ViewState): URLSearchParams {
  const search = new URLSearchParams();
  if (!('preset' in view.period)) {
    search.set('from', view.period.from);
    search.set('to', view.period.to);
  } else if (view.period.preset !== ('preset' in DEFAULT_PERIOD ? DEFAULT_PERIOD.preset : null)) {
    search.set('period', view.period.preset);
  }
  for (const site of view.sites) search.append('site', site);
  if (view.interval) search.set('interval', view.interval);
  if (view.timezone) search.set('timezone', view.timezone);
  if (view.regime) search.set('regime', view.regime);
  if (view.withoutBots) search.set('bots', 'without');
  if (view.compare !== DEFAULT_COMPARISON) search.set('compare', view.compare ?? NO_COMPARISON);
  for (const filter of view.filters) search.append('filter', writeFilter(filter));
  if (view.focus) search.set(view.focus.dimension, view.focus.value);
  if (view.zoomed) search.set('axis', 'fit');
  for (const panel of PANELS) if (view.tables.includes(panel)) search.append('table', panel);
  return search;
}

/** The same view with nothing left that depends on when or where the link is opened. */
export function frozen(view: ViewState, timezone: string, now: Date): ViewState {
  const [from, to] = resolvePeriod(view.period, timezone, now);
  return { ...view, period: { from, to }, timezone };
}

/** The preset of a view, if it is one. */
export function presetOf(view: ViewState): Preset | null {
  return 'preset' in view.period ? view.period.preset : null;
}

/** The view's filters, without the regime, which the headline groups by instead. */
export function filtersOf(view: ViewState): Filter[] {
  return view.withoutBots ? [['is_not', 'bot', ['yes']], ...view.filters] : view.filters;
}

/** What of a view goes with the reader to another page: what the numbers are of, not how they are drawn. */
export function carried(view: ViewState): ViewState {
  return { ...view, focus: null, zoomed: false, tables: [] };
}

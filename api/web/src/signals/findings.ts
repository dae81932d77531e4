// What became of the signals: from the rows of answers by signal and finding to totals in parts, and what a reader has to
// know first. A row is one signal sent with one decision, so that decisions of several signals are never added up as decisions.
import type { Dimension, Row } from '../api/types';
import type { Series } from '../charts/series';
import { difference, wilson } from '../experiments/intervals';
import { countCell, valueOf, type RateCell } from '../numbers/cell';
import type { Change } from '../numbers/change';
import type { Split } from '../tables/split';

export const SIGNALS = ['tcf', 'gpp', 'consent_mode', 'gpc'] as const;
export type Signal = (typeof SIGNALS)[number];

/** Those that contradict the decision, those that were not compared, and the one that is as it should be. */
export const FINDINGS = ['grants_refused', 'denies_granted', 'invalid', 'unreadable', 'incomparable', 'consistent'] as const;
export type Finding = (typeof FINDINGS)[number];
const CONTRADICTING = ['grants_refused', 'denies_granted'] as const;

/** A part of a whole with its Wilson interval; null is what is withheld. */
export function rateOf(part: number | null, whole: number | null): RateCell {
  if (part === null || whole === null) return { kind: 'withheld' };
  if (whole === 0) return { kind: 'none' };
  return { kind: 'value', rate: part / whole, denominator: whole, interval: wilson({ successes: part, trials: whole }) };
}

/** Null where one of them is withheld. */
export function sumOf(values: readonly (number | null)[]): number | null {
  return values.includes(null) ? null : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

export const decisionsOf = (row: Row | undefined): number | null => (row ? valueOf(countCell(row.metrics, 'decisions')) : 0);

export const contradictedOf = ({ parts }: Split): number | null => sumOf(CONTRADICTING.map((finding) => parts[finding] ?? null));

/**
 * One split for each signal and value of `by`, in the order of the rows. `totals` has the rows by signal alone: with it the
 * total of a signal is known where some of its findings are withheld.
 */
export function splitsOf(rows: readonly Row[], by: Dimension | null, nameOf: (signal: Signal, key: string) => string, totals: readonly Row[] = []): Split[] {
  const groups = new Map<string, { at: Record<string, string>; signal: Signal; key: string; rows: Row[] }>();
  for (const row of rows) {
    const signal = SIGNALS.find((known) => known === row.dimensions.signal);
    if (!signal) continue;
    const key = by ? (row.dimensions[by] ?? '') : '';
    const group = groups.get(`${signal} ${key}`) ?? { at: { ...(by ? { [by]: key } : {}), signal }, signal, key, rows: [] };
    group.rows.push(row);
    groups.set(`${signal} ${key}`, group);
  }
  return [...groups.values()].map(({ at, signal, key, rows: own }) => {
    const parts = Object.fromEntries(FINDINGS.map((finding) => [finding, decisionsOf(own.find((row) => row.dimensions.finding === finding))]));
    const total = totals.find((row) => row.dimensions.signal === signal);
    const split: Split = { at, name: nameOf(signal, key), total: total ? decisionsOf(total) : sumOf(Object.values(parts)), parts, rate: { kind: 'none' } };
    return { ...split, rate: rateOf(contradictedOf(split), split.total) };
  });
}

/** The rows of the earlier days that an answer was compared with. */
export function earlierRows(rows: readonly Row[]): Row[] {
  return rows.flatMap(({ dimensions, comparison }) => (comparison ? [{ dimensions, metrics: comparison.metrics }] : []));
}

export const bySignal = (splits: readonly Split[]): Split[] =>
  [...splits].sort((a, b) => SIGNALS.indexOf(a.at.signal as Signal) - SIGNALS.indexOf(b.at.signal as Signal));

/**
 * What is contradicted most first, by the lower end of the interval, so that a handful of decisions does not come before
 * thousands. With `overall`, the splits by signal alone: what lies furthest above the rate of its own signal. What has no rate last.
 */
export function worstFirst(splits: readonly Split[], overall: readonly Split[] = []): Split[] {
  const above = ({ at, rate }: Split) => {
    const own = overall.find((split) => split.at.signal === at.signal)?.rate;
    return rate.kind === 'value' ? (rate.interval?.low ?? rate.rate) - (own?.kind === 'value' ? own.rate : 0) : -2;
  };
  return [...splits].sort((a, b) => above(b) - above(a) || a.name.localeCompare(b.name));
}

/** By the beginning of their intervals, and by signal within one. */
export function inTime(splits: readonly Split[]): Split[] {
  return bySignal(splits).sort((a, b) => Date.parse(a.at.time ?? '') - Date.parse(b.at.time ?? ''));
}

/** A line of one rate of splits by time. */
export function courseOf(key: string, name: string, splits: readonly Split[], of: (split: Split) => RateCell): Series {
  return {
    key, name,
    points: splits.map((split) => {
      const [time, rate] = [split.at.time ?? '', of(split)];
      return { instant: Date.parse(time), wall: time.slice(0, 19), value: rate.kind === 'value' ? rate.rate : null };
    }),
  };
}

export interface Verdict {
  /** Signals that contradict their decision, of all that were sent. */
  contradicted: number;
  sent: number;
  /** Those of them that grant what was refused: the serious kind. */
  serious: number;
  /** Something of it is withheld: `contradicted` is the least that it can be. */
  least: boolean;
  /** The signal that is contradicted most often, if one is. */
  worst: Split | null;
}

export function verdictOf(splits: readonly Split[]): Verdict {
  const [worst] = worstFirst(splits);
  const all = (finding: Finding) => splits.reduce((sum, { parts }) => sum + (parts[finding] ?? 0), 0);
  return {
    contradicted: CONTRADICTING.reduce((sum, finding) => sum + all(finding), 0),
    serious: all('grants_refused'),
    sent: splits.reduce((sum, { total }) => sum + (total ?? 0), 0),
    least: splits.some((split) => contradictedOf(split) === null || split.total === null),
    worst: worst?.rate.kind === 'value' && worst.rate.rate > 0 ? worst : null,
  };
}

/** How a count changed; null where one of the two is not known, or nothing was there then. */
export function countChanged(now: Verdict, then: Verdict): Change | null {
  if (now.least || then.least || then.contradicted === 0) return null;
  return { kind: 'count', value: now.contradicted / then.contradicted - 1, then: then.contradicted, interval: null };
}

/** By how many points a rate changed, with Newcombe's interval. */
export function rateChanged(now: RateCell, then: RateCell | undefined): Change | null {
  if (now.kind !== 'value' || then?.kind !== 'value' || !now.interval || !then.interval) return null;
  return { kind: 'rate', value: now.rate - then.rate, then: then.rate, interval: difference(now.rate, now.interval, then.rate, then.interval) };
}

/** TC strings by whether they may be relied on: what is neither unreadable nor invalid is valid. */
export function validity(split: Split): Split {
  const { invalid = null, unreadable = null } = split.parts;
  const lost = sumOf([invalid, unreadable]);
  const valid = split.total === null || lost === null ? null : split.total - lost;
  return { ...split, parts: { valid, invalid, unreadable }, rate: rateOf(valid, split.total) };
}

const CHOSEN = ['accept_all', 'custom', 'reject_all'] as const;

/** What was chosen with GPC and without: the rest of all decisions. A decision that is none of the three was closed. */
export function choices(total: Row | undefined, withGpc: Row | undefined, nameOf: (gpc: boolean) => string): Split[] {
  const counts = (row: Row | undefined) => Object.fromEntries(
    (['decisions', ...CHOSEN] as const).map((metric) => [metric, row ? valueOf(countCell(row.metrics, metric)) : 0]));
  const [all, sent] = [counts(total), counts(withGpc)];
  const less = (a: number | null | undefined, b: number | null | undefined) => (typeof a === 'number' && typeof b === 'number' ? a - b : null);
  const rest = Object.fromEntries(Object.keys(all).map((metric) => [metric, less(all[metric], sent[metric])]));
  return [sent, rest].map((of, i) => {
    const parts: Split['parts'] = Object.fromEntries(CHOSEN.map((metric) => [metric, of[metric] ?? null]));
    const dismissed = less(of.decisions, sumOf(Object.values(parts)));
    const total = of.decisions ?? null;
    return { at: { gpc: i === 0 ? 'yes' : 'no' }, name: nameOf(i === 0), total, parts: { ...parts, dismissed }, rate: rateOf(parts.accept_all ?? null, total) };
  });
}

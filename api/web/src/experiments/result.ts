// Two arms of an experiment and what can be said of them.
import type { Row } from '../api/types';
import { countCell, rateCell, valueOf } from '../numbers/cell';
import { newcombe, share, type Interval, type Proportion } from './intervals';
import type { ExperimentMetric } from './plan';
import type { Stratum } from './standardise';
import { twoProportions, type Test } from './tests';

/**
 * A rate as successes of trials. Pairs of one decision are not independent, so the consent rate over services counts
 * decisions as its trials, as the server does for its interval. Null where it is withheld or there is nothing.
 */
export function proportionOf({ metrics }: Row, metric: ExperimentMetric): Proportion | null {
  const cell = rateCell(metrics, metric);
  const trials = metric === 'consent_rate' ? valueOf(countCell(metrics, 'decisions')) : cell.kind === 'value' ? cell.denominator : null;
  if (cell.kind !== 'value' || !trials || cell.rate > 1) return null;
  return { successes: cell.rate * trials, trials };
}

export interface Result {
  a: Proportion;
  b: Proportion;
  /** b - a, as a fraction. */
  difference: number;
  /** Newcombe, 95 %. */
  interval: Interval;
  /** Null where all or none succeeded in both. */
  test: Test | null;
}

export function resultOf(a: Row | undefined, b: Row | undefined, metric: ExperimentMetric): Result | null {
  const [one, other] = [a && proportionOf(a, metric), b && proportionOf(b, metric)];
  if (!one || !other) return null;
  return { a: one, b: other, difference: share(other) - share(one), interval: newcombe(other, one), test: twoProportions(other, one) };
}

/** The usual rule for trusting the z test: at least five of each outcome in each arm. */
const FEWEST = 5;

export function tooFew({ a, b }: Result): boolean {
  return [a, b].some(({ successes, trials }) => Math.min(successes, trials - successes) < FEWEST - 1e-6);
}

/** Which arm is ahead beyond what chance explains; null: neither. */
export function leader({ interval }: Result): 'a' | 'b' | null {
  if (interval.low > 0) return 'b';
  return interval.high < 0 ? 'a' : null;
}

export type Evidence = 'none' | 'some' | 'strong' | 'very_strong';

/** How sure, in words; the limits are the usual ones, 5 %, 1 % and 1 in 1000. */
export function evidence(p: number): Evidence {
  if (p < 0.001) return 'very_strong';
  if (p < 0.01) return 'strong';
  return p < 0.05 ? 'some' : 'none';
}

/** Rows by arm, country and device, as strata that both arms may share. */
export function strataOf(rows: readonly Row[], arm: 'variant' | 'banner_version', [a, b]: [string, string], metric: ExperimentMetric): Stratum[] {
  const nobody: Proportion = { successes: 0, trials: 0 };
  const found = new Map<string, Stratum>();
  for (const row of rows) {
    const side = row.dimensions[arm] === a ? 'a' : row.dimensions[arm] === b ? 'b' : null;
    const proportion = side && proportionOf(row, metric);
    if (!side || !proportion) continue;
    const name = `${row.dimensions.country ?? ''} ${row.dimensions.device ?? ''}`;
    const before = found.get(name) ?? { name, a: nobody, b: nobody, weight: 0 };
    found.set(name, { ...before, [side]: proportion, weight: before.weight + (valueOf(countCell(row.metrics, 'decisions')) ?? 0) });
  }
  return [...found.values()];
}

/** How long a choice takes in one arm, in seconds; null where nobody made it. */
export interface Effort {
  accept: number | null;
  reject: number | null;
}

export function effortOf(rows: readonly Row[], arm: 'variant' | 'banner_version', key: string): Effort {
  const by = (method: string) => {
    const row = rows.find(({ dimensions }) => dimensions[arm] === key && dimensions.method === method);
    return valueOf(countCell(row?.metrics, 'median_seconds_to_decide'));
  };
  return { accept: by('accept_all'), reject: by('reject_all') };
}

export type Hardship = 'fewer_refusals' | 'slower_refusals' | 'slower_than_accepting';

/** Differences of medians below this part are left alone: medians of a few hundred people wander by as much. */
const NOTABLE = 0.1;
const slower = (one: number | null, other: number | null) => one !== null && other !== null && one > other * (1 + NOTABLE);

/** In which ways the arm that is ahead makes refusing harder than the other does: a gain that consent may not survive. */
export function hardships(ahead: Effort, behind: Effort, refusals: Result | null, aheadIs: 'a' | 'b'): Hardship[] {
  const found: Hardship[] = [];
  if (refusals && leader(refusals) === (aheadIs === 'a' ? 'b' : 'a')) found.push('fewer_refusals');
  if (slower(ahead.reject, behind.reject)) found.push('slower_refusals');
  if (slower(ahead.reject, ahead.accept)) found.push('slower_than_accepting');
  return found;
}

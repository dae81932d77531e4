// What changed against an earlier period, as a cell: of a count how much relative to then, of a rate how many points, with
// its interval, so that a change that may be chance can be told from one that is not.
import type { Count, Rate, Row } from '../api/types';

export interface Change {
  /** Relative (0.1: a tenth more) for a count, in points (0.03: three points) for a rate. */
  value: number;
  kind: 'count' | 'rate';
  /** 95 %, rates only. */
  interval: { low: number; high: number } | null;
  /** What it was then. */
  then: number;
}

export function countChange(row: Row | null | undefined, metric: Count): Change | null {
  return changeOf(row, metric, 'count');
}

export function rateChange(row: Row | null | undefined, metric: Rate): Change | null {
  return changeOf(row, metric, 'rate');
}

function changeOf(row: Row | null | undefined, metric: Count | Rate, kind: Change['kind']): Change | null {
  const earlier = row?.comparison;
  const [value, then] = [earlier?.change[metric], earlier?.metrics[metric]];
  if (!earlier || typeof value !== 'number' || typeof then !== 'number') return null;
  const [low, high] = [earlier.change[`${metric}_low`], earlier.change[`${metric}_high`]];
  return { value, kind, then, interval: typeof low === 'number' && typeof high === 'number' ? { low, high } : null };
}

/** Whether a change of a rate is beyond what chance explains: its interval leaves out 0. */
export function isClear({ interval }: Change): boolean {
  return interval !== null && (interval.low > 0 || interval.high < 0);
}

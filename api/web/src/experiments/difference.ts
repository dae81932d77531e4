// What is drawn of two arms, as rows: each arm's rate with Wilson's interval, and the difference with Newcombe's.
import { csvLine } from '../tables/table';
import { share, wilson, type Interval } from './intervals';
import type { Result } from './result';

export interface DifferenceRow extends Interval {
  /** The arm; null: b less a. */
  arm: string | null;
  /** A rate, or a difference of rates, as a fraction. */
  value: number;
  /** Null for the difference. */
  trials: number | null;
}

export function differenceRows(result: Result, [a, b]: readonly [string, string]): DifferenceRow[] {
  const arm = (name: string, of: Result['a']): DifferenceRow => ({ arm: name, value: share(of), ...wilson(of), trials: of.trials });
  return [arm(a, result.a), arm(b, result.b), { arm: null, value: result.difference, ...result.interval, trials: null }];
}

export function differenceCsv(rows: readonly DifferenceRow[]): string {
  const lines = rows.map(({ arm, value, low, high, trials }) => [arm ?? 'difference', value, low, high, trials ?? '']);
  return [['arm', 'value', 'low', 'high', 'denominator'], ...lines].map(csvLine).join('');
}

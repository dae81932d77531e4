// One cell of an answer, and the three things it can be: a number, withheld because it is about too few people, or
// nothing because there was nothing to divide by. Everything that shows a number goes through here, so that a withheld
// cell can never be mistaken for a zero.
import type { Count, Metrics, Rate } from '../api/types';

export type CountCell = { kind: 'value'; value: number } | { kind: 'withheld' } | { kind: 'none' };

export interface RateValue {
  kind: 'value';
  rate: number;
  denominator: number;
  /** Wilson, 95 %; null where the numerator is above its denominator. */
  interval: { low: number; high: number } | null;
}
export type RateCell = RateValue | { kind: 'withheld' } | { kind: 'none' };

/** The median is null where there is nothing as well, unless its decisions are withheld; every other null count is withheld. */
export function countCell(metrics: Metrics | undefined, name: Count): CountCell {
  const value = metrics?.[name];
  if (value === undefined) return { kind: 'none' };
  if (value === null) return name.startsWith('median_') && metrics?.decisions !== null ? { kind: 'none' } : { kind: 'withheld' };
  return { kind: 'value', value };
}

/** A null rate over a denominator of 0 is nothing; with the denominator null as well, it is withheld. */
export function rateCell(metrics: Metrics | undefined, name: Rate): RateCell {
  const rate = metrics?.[name];
  const denominator = metrics?.[`${name}_denominator`];
  if (rate === undefined || metrics === undefined) return { kind: 'none' };
  if (rate === null) return denominator === null ? { kind: 'withheld' } : { kind: 'none' };
  const [low, high] = [metrics[`${name}_low`], metrics[`${name}_high`]];
  return {
    kind: 'value',
    rate,
    denominator: denominator ?? 0,
    interval: typeof low === 'number' && typeof high === 'number' ? { low, high } : null,
  };
}

export function valueOf(cell: CountCell): number | null {
  return cell.kind === 'value' ? cell.value : null;
}

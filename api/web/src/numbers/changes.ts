// The change of every row of an answer, by the value of its dimension.
import type { Dimension, Metric, Row } from '../api/types';
import { countChange, rateChange, type Change } from './change';
import { isRate } from './metrics';

export function changesOf(rows: readonly Row[], dimension: Dimension, metric: Metric): Map<string, Change | null> {
  return new Map(rows.map((row) => [row.dimensions[dimension] ?? '', isRate(metric) ? rateChange(row, metric) : countChange(row, metric)]));
}

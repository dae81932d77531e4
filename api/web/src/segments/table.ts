// The table of one metric by one dimension: largest first, what was not known last.
import type { Count, Dimension, Metric, Row } from '../api/types';
import { isRate } from '../numbers/metrics';
import { largestFirst } from '../tables/order';
import { buildTable, type Column, type Table } from '../tables/table';

export function segmentTable(dimension: Dimension, metric: Metric, rows: readonly Row[], nameOf: (value: string) => string): Table {
  const columns: Column[] = [isRate(metric) ? { kind: 'rate', metric } : { kind: 'count', metric }];
  for (const count of ['shown', 'decisions'] as Count[]) if (count !== metric) columns.push({ kind: 'count', metric: count });
  const built = buildTable(dimension, columns, rows, nameOf);
  return { ...built, rows: largestFirst(built.rows, metric) };
}

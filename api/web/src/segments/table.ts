// The table of one metric by one dimension: largest first, what was not known last.
import type { Count, Dimension, Metric, Row } from '../api/types';
import { isRate } from '../numbers/metrics';
import { plainValue } from '../numbers/written';
import { buildTable, type Column, type Table } from '../tables/table';

export function segmentTable(dimension: Dimension, metric: Metric, rows: readonly Row[], nameOf: (value: string) => string): Table {
  const columns: Column[] = [isRate(metric) ? { kind: 'rate', metric } : { kind: 'count', metric }];
  for (const count of ['shown', 'decisions'] as Count[]) if (count !== metric) columns.push({ kind: 'count', metric: count });
  const built = buildTable(dimension, columns, rows, nameOf);
  const unknown = (key: string) => (key === '' || key === 'unknown' ? 1 : 0);
  const sorted = [...built.rows].sort((a, b) => unknown(a.key) - unknown(b.key)
    || (plainValue(b, metric) ?? -1) - (plainValue(a, metric) ?? -1) || a.name.localeCompare(b.name));
  return { ...built, rows: sorted };
}

// In which order a table stands, as the address says it: `sort=opt_in_rate`, `sort=-shown` (largest first).
import type { Metric } from '../api/types';
import type { Change } from '../numbers/change';
import { plainValue } from '../numbers/written';
import type { TableRow } from './table';

export type SortKey = 'name' | 'change' | Metric;

export interface Order {
  by: SortKey;
  /** Largest first. */
  falling: boolean;
}

/** The usual order is by one metric, largest first. */
export function parseOrder(text: string | null, columns: readonly Metric[], usual: Metric): Order {
  const by = ['name' as const, 'change' as const, ...columns].find((key) => key === text?.replace(/^-/, ''));
  return by ? { by, falling: text?.startsWith('-') ?? false } : { by: usual, falling: true };
}

/** Null for the usual order. */
export function writeOrder({ by, falling }: Order, usual: Metric): string | null {
  return by === usual && falling ? null : `${falling ? '-' : ''}${by}`;
}

/** The order after a click on a column: numbers begin with the largest, names with A; a second click turns it. */
export function turned(order: Order, by: SortKey): Order {
  return order.by === by ? { by, falling: !order.falling } : { by, falling: by !== 'name' };
}

/** Rows of a dimension by one metric, largest first; what was not known stands at the end. */
export function largestFirst(rows: readonly TableRow[], metric: Metric): TableRow[] {
  const unknown = ({ key }: TableRow) => Number(key === '' || key === 'unknown');
  return [...rows].sort((a, b) => unknown(a) - unknown(b)
    || (plainValue(b, metric) ?? -1) - (plainValue(a, metric) ?? -1) || a.name.localeCompare(b.name));
}

/** What has no value stands at the end, whichever way. */
export function sorted(rows: readonly TableRow[], { by, falling }: Order, changes: Map<string, Change | null> | null): TableRow[] {
  const of = (row: TableRow): number | null => {
    if (by === 'name') return 0;
    return by === 'change' ? changes?.get(row.key)?.value ?? null : plainValue(row, by);
  };
  const sign = falling ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [one, other] = [of(a), of(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null) || a.name.localeCompare(b.name);
    return sign * (one - other || (by === 'name' ? a.name.localeCompare(b.name) : 0)) || a.name.localeCompare(b.name);
  });
}

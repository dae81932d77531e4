// In which order the table of sites stands, as the address says it: `sort=opt_in_rate`, `sort=-shown` (largest first).
import type { Change } from '../numbers/change';
import type { Metric } from '../api/types';
import { plainValue } from '../numbers/written';
import type { TableRow } from '../tables/table';

export const COLUMNS = ['shown', 'decisions', 'opt_in_rate', 'consent_rate', 'reject_all_rate', 'withdrawals'] as const satisfies readonly Metric[];
export type SortKey = 'name' | 'change' | (typeof COLUMNS)[number];
export const SORTS: readonly SortKey[] = ['name', 'change', ...COLUMNS];

export interface Order {
  by: SortKey;
  /** Largest first. */
  falling: boolean;
}

export const USUAL_ORDER: Order = { by: 'consent_rate', falling: true };

export function parseOrder(text: string | null): Order {
  const falling = text?.startsWith('-') ?? false;
  const by = SORTS.find((key) => key === text?.replace(/^-/, ''));
  return by ? { by, falling } : USUAL_ORDER;
}

/** Null for the usual order. */
export function writeOrder({ by, falling }: Order): string | null {
  return by === USUAL_ORDER.by && falling === USUAL_ORDER.falling ? null : `${falling ? '-' : ''}${by}`;
}

/** The order after a click on a column: numbers begin with the largest, names with A; a second click turns it. */
export function turned(order: Order, by: SortKey): Order {
  return order.by === by ? { by, falling: !order.falling } : { by, falling: by !== 'name' };
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
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    return sign * (one - other || (by === 'name' ? a.name.localeCompare(b.name) : 0)) || a.name.localeCompare(b.name);
  });
}

// The last minute as CSV, one line a second, with the API's own names.
import { csvLine } from '../tables/table';
import type { Second } from './window';

export const COLUMNS = ['events', 'shown', 'decisions', 'granted', 'denied', 'withdrawn'] as const;

export function secondsCsv(rows: readonly Second[]): string {
  const header = ['time', ...COLUMNS.map((name) => (name === 'withdrawn' ? 'withdrawals' : name))];
  return [header, ...rows.map(({ at, totals }) => [at.toISOString(), ...COLUMNS.map((name) => totals[name])])].map(csvLine).join('');
}

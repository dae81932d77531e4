// The books as CSV, with the API's own names.
import type { Row, SiteBooks } from '../api/types';
import { csvLine } from '../tables/table';

const FIELDS = ['read', 'stored', 'repeats', 'dead_letters', 'unknown_text_hash'] as const;

export function booksCsv(sites: readonly SiteBooks[]): string {
  const header = ['site', ...FIELDS, 'rows_events', 'rows_controls', 'rows_erased', 'balanced', 'logged_to'];
  const lines = sites.map((books) => [
    books.site ?? '', ...FIELDS.map((field) => books[field]), books.rows.events, books.rows.controls, books.rows.erased, String(books.balanced), books.logged_to ?? '',
  ]);
  return [header, ...lines].map(csvLine).join('');
}

const COUNTED = ['shown', 'decisions'] as const;

/** By site and `bot`; what is withheld is empty. */
export function botsCsv(rows: readonly Row[]): string {
  const lines = rows.map(({ dimensions, metrics }) => [dimensions.site ?? '', dimensions.bot ?? '', ...COUNTED.map((name) => metrics[name] ?? '')]);
  return [['site', 'bot', ...COUNTED], ...lines].map(csvLine).join('');
}

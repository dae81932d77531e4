// The table behind every chart: the rows of an answer, in the order in which they are drawn, with the columns that a
// reader may check. The CSV download is made of the same table, so that it can never say something else.
import type { Count, Dimension, Rate, Row } from '../api/types';
import { countCell, rateCell, type CountCell, type RateCell } from '../numbers/cell';

export type Column =
  | { kind: 'count'; metric: Count }
  | { kind: 'rate'; metric: Rate };

export interface TableRow {
  /** The value of the dimension, as the API has it. */
  key: string;
  /** What the page calls it. */
  name: string;
  counts: Partial<Record<Count, CountCell>>;
  rates: Partial<Record<Rate, RateCell>>;
}

export interface Table {
  dimension: Dimension;
  columns: Column[];
  rows: TableRow[];
}

export function buildTable(
  dimension: Dimension, columns: Column[], rows: readonly Row[], nameOf: (key: string) => string,
): Table {
  return {
    dimension,
    columns,
    rows: rows.map((row) => {
      const key = row.dimensions[dimension] ?? '';
      const built: TableRow = { key, name: nameOf(key), counts: {}, rates: {} };
      for (const column of columns) {
        if (column.kind === 'count') built.counts[column.metric] = countCell(row.metrics, column.metric);
        else built.rates[column.metric] = rateCell(row.metrics, column.metric);
      }
      return built;
    }),
  };
}

/** Highest rate first; then those without one, by name. */
export function byRate(table: Table, rate: Rate): Table {
  const of = (row: TableRow) => {
    const cell = row.rates[rate];
    return cell?.kind === 'value' ? cell.rate : -1;
  };
  const rows = [...table.rows].sort((a, b) => of(b) - of(a) || a.name.localeCompare(b.name));
  return { ...table, rows };
}

/** In a fixed order of keys; what the order does not name comes last, by name. */
export function inOrder(table: Table, order: readonly string[]): Table {
  const place = (row: TableRow) => {
    const index = order.indexOf(row.key);
    return index < 0 ? order.length : index;
  };
  return { ...table, rows: [...table.rows].sort((a, b) => place(a) - place(b) || a.name.localeCompare(b.name)) };
}

/**
 * RFC 4180, with a header of the API's own names, rates as fractions in full precision, and nothing in a withheld cell
 * but its name in the last column.
 */
export function toCsv(table: Table): string {
  const header: string[] = [table.dimension, 'name'];
  for (const { kind, metric } of table.columns) {
    header.push(metric);
    if (kind === 'rate') header.push(`${metric}_low`, `${metric}_high`, `${metric}_denominator`);
  }
  header.push('withheld');
  const lines = [header, ...table.rows.map((row) => csvRow(table, row))];
  return lines.map(csvLine).join('');
}

export function csvLine(fields: readonly (string | number)[]): string {
  return `${fields.map(csvField).join(',')}\r\n`;
}

function csvRow(table: Table, row: TableRow): (string | number)[] {
  const fields: (string | number)[] = [row.key, row.name];
  const withheld: string[] = [];
  for (const column of table.columns) {
    if (column.kind === 'count') {
      const cell = row.counts[column.metric];
      fields.push(cell?.kind === 'value' ? cell.value : '');
      if (cell?.kind === 'withheld') withheld.push(column.metric);
    } else {
      const cell = row.rates[column.metric];
      if (cell?.kind === 'value') fields.push(cell.rate, cell.interval?.low ?? '', cell.interval?.high ?? '', cell.denominator);
      else fields.push('', '', '', '');
      if (cell?.kind === 'withheld') withheld.push(column.metric);
    }
  }
  fields.push(withheld.join(' '));
  return fields;
}

/** Text that a spreadsheet would take for a formula gets an apostrophe: names come from pages that anybody may write. */
function csvField(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

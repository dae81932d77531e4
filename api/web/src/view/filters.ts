// The filters of a view as they stand in the address: `filter=country:is:FR,DE`. A value's own commas, colons and per cent
// signs are percent-encoded within it.
import { OPERATORS, type Dimension, type Filter, type Operator } from '../api/types';

/** What the filter bar offers; regime and bots have controls of their own. */
export const FILTERABLE = [
  'country', 'device', 'browser', 'os', 'language', 'banner_version', 'variant', 'service', 'category', 'site',
] as const satisfies readonly Dimension[];
export type Filterable = (typeof FILTERABLE)[number];

export function writeFilter([operator, dimension, values]: Filter): string {
  return `${dimension}:${operator}:${values.map(escape).join(',')}`;
}

/** Whatever is no filter is left out; of two about the same dimension and operator the first is kept. */
export function parseFilters(texts: readonly string[]): Filter[] {
  const found = new Map<string, Filter>();
  for (const text of texts) {
    const filter = parseFilter(text);
    const key = filter && `${filter[1]}:${filter[0]}`;
    if (filter && key && !found.has(key)) found.set(key, filter);
  }
  return [...found.values()];
}

function parseFilter(text: string): Filter | null {
  const [dimension, operator, rest] = text.split(':');
  if (!FILTERABLE.includes(dimension as Filterable) || !OPERATORS.includes(operator as Operator) || !rest) return null;
  const values = [...new Set(rest.split(',').map(unescape))].filter((value) => value !== '');
  return values.length > 0 ? [operator as Operator, dimension as Dimension, values] : null;
}

/** With one filter more; the values of one about the same dimension and operator are put together. */
export function withFilter(filters: readonly Filter[], [operator, dimension, values]: Filter): Filter[] {
  const same = (filter: Filter) => filter[0] === operator && filter[1] === dimension;
  const before = filters.find(same)?.[2] ?? [];
  return [...filters.filter((filter) => !same(filter)), [operator, dimension, [...new Set([...before, ...values])]]];
}

const escape = (value: string) => value.replace(/[%,:]/g, encodeURIComponent);

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

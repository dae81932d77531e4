// Which values a dimension has in a scope, most frequent first: what the filter bar suggests.
import type { Client } from '../api/client';
import type { Dimension } from '../api/types';
import { queryOf, type Scope } from '../numbers/ask';

const MOST = 200;

export async function valuesOf(client: Client, scope: Scope, dimension: Dimension, signal: AbortSignal): Promise<string[]> {
  const metric = dimension === 'service' || dimension === 'category' ? 'granted' : 'shown';
  const query = queryOf(scope, { metrics: [metric], dimensions: [dimension], filters: [] });
  const { rows } = await client.query({ ...query, order_by: [[metric, 'desc']], limit: MOST }, signal);
  return rows.map((row) => row.dimensions[dimension] ?? '').filter((value) => value !== '');
}

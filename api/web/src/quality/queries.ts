// What the page of data quality asks: the books, and how much of the last 28 days was bots.
import type { Client } from '../api/client';
import type { DataQuality, Row } from '../api/types';
import { resolvePeriod } from '../view/period';

export interface Quality {
  books: DataQuality;
  /** By site and `bot`. */
  bots: Row[];
}

export async function loadQuality(client: Client, now: Date, signal: AbortSignal): Promise<Quality> {
  const [from, to] = resolvePeriod({ preset: '28d' }, 'UTC', now);
  const [books, bots] = await Promise.all([
    client.dataQuality(signal),
    client.query({
      date_range: [from, to], timezone: 'UTC',
      metrics: ['shown', 'decisions'], dimensions: ['site', 'bot'], filters: [], limit: 1000,
    }, signal),
  ]);
  return { books, bots: bots.rows };
}

// Numbers beside those of an earlier period, in the shape that the query API gives them in.
import { difference } from '../experiments/intervals';
import { earlierRange } from '../view/period';
import type { Client } from './client';
import { RATES, type Answer, type Comparison, type Earlier, type Interval, type Metrics, type Query, type Row } from './types';

/** Asks twice and joins the answers. To be replaced by one question with `compare`, once the server takes it. */
export async function queryCompared(
  client: Client, query: Query, comparison: Comparison | null, signal?: AbortSignal,
): Promise<Answer> {
  if (!comparison) return client.query(query, signal);
  const before: Query = { ...query, date_range: earlierRange(query.date_range, comparison) };
  const [now, then] = await Promise.all([client.query(query, signal), client.query(before, signal)]);
  return { ...now, rows: joined(now.rows, then.rows, query, before) };
}

export function joined(now: readonly Row[], then: readonly Row[], query: Query, before: Query): Row[] {
  const key = (row: Row, { date_range: [from] }: Query) => JSON.stringify(query.dimensions.map((dimension) =>
    dimension === 'time' ? ordinal(row.dimensions.time ?? '', from, query.interval ?? 'day') : row.dimensions[dimension]));
  const earlier = new Map(then.map((row) => [key(row, before), row]));
  return now.map((row) => {
    const found = earlier.get(key(row, query));
    return found ? { ...row, comparison: compared(row, found) } : row;
  });
}

function compared(now: Row, then: Row): Earlier {
  const change: Metrics = {};
  for (const [name, value] of Object.entries(now.metrics)) {
    const before = then.metrics[name];
    if (/_(low|high|denominator)$/.test(name)) continue;
    const rate = (RATES as readonly string[]).includes(name);
    change[name] = changeOf(value, before, rate);
    if (!rate) continue;
    const [a, b] = [now.metrics, then.metrics].map((metrics) => intervalOf(metrics, name));
    const span = a && b && typeof value === 'number' && typeof before === 'number' ? difference(value, a, before, b) : null;
    change[`${name}_low`] = span?.low ?? null;
    change[`${name}_high`] = span?.high ?? null;
  }
  return { dimensions: then.dimensions.time ? { time: then.dimensions.time } : {}, metrics: then.metrics, change };
}

function changeOf(now: number | null | undefined, then: number | null | undefined, rate: boolean): number | null {
  if (typeof now !== 'number' || typeof then !== 'number') return null;
  if (rate) return now - then;
  return then === 0 ? null : (now - then) / then;
}

function intervalOf(metrics: Metrics, rate: string): { low: number; high: number } | null {
  const [low, high] = [metrics[`${rate}_low`], metrics[`${rate}_high`]];
  return typeof low === 'number' && typeof high === 'number' ? { low, high } : null;
}

/** Which interval of the range this is, from 0; by the clock of the answer's time zone. Weeks begin on Monday. */
function ordinal(time: string, from: string, interval: Interval): number {
  const at = Date.parse(`${time.slice(0, 19)}Z`);
  const start = Date.parse(`${from}T00:00:00Z`);
  const hours = (at - start) / 3_600_000;
  if (interval === 'hour') return hours;
  if (interval === 'day') return Math.round(hours / 24);
  if (interval === 'week') return Math.ceil(hours / 24 / 7);
  return (Number(time.slice(0, 4)) - Number(from.slice(0, 4))) * 12 + Number(time.slice(5, 7)) - Number(from.slice(5, 7));
}

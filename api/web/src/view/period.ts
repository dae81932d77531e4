// Periods of whole days in a time zone: what "last 28 days" means at a moment, and which interval suits a length.
// Days are ISO dates (`2026-11-24`), inclusive at both ends, as the query takes them.
import type { Comparison, Interval } from '../api/types';

export const PRESETS = ['today', '7d', '28d', '90d', '12m'] as const;
export type Preset = (typeof PRESETS)[number];

export type Period = { preset: Preset } | { from: string; to: string };

const DAY = 86_400_000;
const LENGTH: Record<Exclude<Preset, '12m'>, number> = { today: 1, '7d': 7, '28d': 28, '90d': 90 };

/** The day that a moment falls on in a time zone. */
export function dayIn(timezone: string, moment: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone, calendar: 'gregory', numberingSystem: 'latn', year: 'numeric', month: '2-digit', day: '2-digit',
  }).formatToParts(moment);
  const part = (type: string) => parts.find((p) => p.type === type)?.value ?? '';
  return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
}

export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);
}

/** The same day `months` earlier, or the last day of that month where it is shorter. */
function monthsBefore(day: string, months: number): string {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  const last = new Date(Date.UTC(year, month - months, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 - months, Math.min(date, last))).toISOString().slice(0, 10);
}

/** First and last day. Presets end today, in the query's time zone. */
export function resolvePeriod(period: Period, timezone: string, now: Date): [string, string] {
  if (!('preset' in period)) return period.from <= period.to ? [period.from, period.to] : [period.to, period.from];
  const today = dayIn(timezone, now);
  if (period.preset === '12m') return [addDays(monthsBefore(today, 12), 1), today];
  return [addDays(today, 1 - LENGTH[period.preset]), today];
}

/** The days to compare a range with: as many days just before it, or the same days a year earlier. */
export function earlierRange([from, to]: [string, string], comparison: Comparison): [string, string] {
  if (comparison === 'previous_year') return [monthsBefore(from, 12), monthsBefore(to, 12)];
  const days = daysIn([from, to]);
  return [addDays(from, -days), addDays(to, -days)];
}

export function daysIn([from, to]: [string, string]): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY) + 1;
}

/** The interval that gives a line of some twenty to a hundred points. */
export function suitableInterval(range: [string, string]): Interval {
  const days = daysIn(range);
  if (days <= 3) return 'hour';
  if (days <= 100) return 'day';
  return days <= 500 ? 'week' : 'month';
}

/** Whether a text is a day that exists. */
export function isDay(text: string | null): text is string {
  if (text === null || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

export function isTimezone(name: string | null): name is string {
  if (!name) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

// From the rows of an answer by time to the points of a line: where each lies, where the line has to break, and which
// points get a label on the axis.
import type { Interval, Metric, Row } from '../api/types';
import { countCell, rateCell, valueOf, type RateValue } from '../numbers/cell';
import { isRate } from '../numbers/metrics';

export interface Point {
  /** Milliseconds since 1970, for the place on the axis. */
  instant: number;
  /** The clock of the answer's time zone, `2026-11-24T00:00:00`, for the words. */
  wall: string;
  /** As the API sent it. */
  time: string;
  /** Null where withheld or nothing. */
  rate: RateValue | null;
  withheld: boolean;
  granted: number | null;
  decisions: number | null;
}

/** Something that happened at the beginning of an interval. */
export interface Mark {
  instant: number;
  label: string;
}

/** The first interval in which each banner version was shown, the range's own first one aside: it says nothing of a release. */
export function releases(rows: readonly Row[], labelOf: (version: string) => string): Mark[] {
  const first = new Map<string, number>();
  let start = Infinity;
  for (const { dimensions, metrics } of rows) {
    const instant = Date.parse(dimensions.time ?? '');
    if (!Number.isFinite(instant)) continue;
    start = Math.min(start, instant);
    const version = dimensions.banner_version ?? '';
    if (version !== '' && (metrics.shown ?? 1) > 0) first.set(version, Math.min(first.get(version) ?? Infinity, instant));
  }
  return [...first].filter(([, instant]) => instant > start).map(([version, instant]) => ({ instant, label: labelOf(version) }))
    .sort((a, b) => a.instant - b.instant);
}

/** The points of the earlier days, each moved to the instant of the point that it is compared with. */
export function earlierPoints(rows: readonly Row[]): Point[] {
  return rows.flatMap(({ dimensions, comparison }) => {
    if (!comparison) return [];
    return pointsOf([{ dimensions: { time: dimensions.time ?? '' }, metrics: comparison.metrics }]);
  }).sort((a, b) => a.instant - b.instant);
}

export function pointsOf(rows: readonly Row[]): Point[] {
  return rows
    .map(({ dimensions, metrics }) => {
      const time = dimensions.time ?? '';
      const rate = rateCell(metrics, 'consent_rate');
      return {
        instant: Date.parse(time),
        wall: time.slice(0, 19),
        time,
        rate: rate.kind === 'value' ? rate : null,
        withheld: rate.kind === 'withheld',
        granted: valueOf(countCell(metrics, 'granted')),
        decisions: valueOf(countCell(metrics, 'decisions')),
      };
    })
    .filter((point) => Number.isFinite(point.instant))
    .sort((a, b) => a.instant - b.instant);
}

/** The span of rates and their intervals with some air around it, for an axis that does not begin at zero. */
export function spanOf(points: readonly Point[]): [number, number] {
  const ends = points.flatMap(({ rate }) => (rate ? [rate.interval?.low ?? rate.rate, rate.interval?.high ?? rate.rate] : []));
  if (ends.length === 0) return [0, 1];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const air = Math.max(0.01, (high - low) * 0.15);
  return [Math.max(0, low - air), Math.min(1, high + air)];
}

/** The longest that an interval can be, daylight saving and long months included. */
const LONGEST: Record<Interval, number> = { hour: 1.5, day: 25.5, week: 7 * 24 + 1.5, month: 31 * 24 + 1.5 };

/** Runs of neighbouring points: a line is drawn within a run, never across an interval that is missing. */
export function runs(points: readonly Point[], interval: Interval): Point[][] {
  return neighbours(points, interval, ({ rate }) => rate !== null);
}

function neighbours<P extends { instant: number }>(points: readonly P[], interval: Interval, drawn: (point: P) => boolean): P[][] {
  const found: P[][] = [];
  let last: P | null = null;
  for (const point of points) {
    if (!drawn(point)) {
      last = null;
      continue;
    }
    const near = last !== null && point.instant - last.instant <= LONGEST[interval] * 3_600_000;
    if (near) found.at(-1)?.push(point);
    else found.push([point]);
    last = point;
  }
  return found;
}

const SHORTEST: Record<Interval, number> = { hour: 1, day: 23, week: 7 * 24 - 1, month: 28 * 24 - 1 };

/** Whether the newest interval still goes on at this moment. */
export function isOpen(points: readonly Point[], interval: Interval, now: Date | null): boolean {
  const newest = points.at(-1);
  return newest !== undefined && now !== null && now.getTime() - newest.instant < SHORTEST[interval] * 3_600_000;
}

/** At most `room` points, evenly spaced; by the hour, those at round hours. */
export function ticksOf<P extends { wall: string }>(points: readonly P[], interval: Interval, room: number): P[] {
  if (interval === 'hour') {
    for (const step of [1, 2, 3, 6, 12, 24]) {
      const round = points.filter((point) => Number(point.wall.slice(11, 13)) % step === 0);
      if (round.length <= room) return round;
    }
  }
  const step = Math.max(1, Math.ceil(points.length / Math.max(1, room)));
  // Counted from the newest, which is the one most asked for.
  return points.filter((_, index) => (points.length - 1 - index) % step === 0);
}

/** A line of plain values over time. */
export interface Series {
  key: string;
  name: string;
  points: SeriesPoint[];
}

export interface SeriesPoint {
  instant: number;
  wall: string;
  /** Null where withheld or nothing. */
  value: number | null;
}

/** One line of an answer by time: `valueOf` reads it from a row. */
export function seriesOf(key: string, name: string, rows: readonly Row[], valueOf: (row: Row) => number | null): Series {
  const points = rows
    .map((row) => ({ instant: Date.parse(row.dimensions.time ?? ''), wall: (row.dimensions.time ?? '').slice(0, 19), value: valueOf(row) }))
    .filter((point) => Number.isFinite(point.instant))
    .sort((a, b) => a.instant - b.instant);
  return { key, name, points };
}

/** A metric over time; for a rate, of the rates that are there. */
export function metricSeries(key: string, name: string, rows: readonly Row[], metric: Metric): Series {
  return seriesOf(key, name, rows, ({ metrics }) => {
    if (!isRate(metric)) return valueOf(countCell(metrics, metric));
    const cell = rateCell(metrics, metric);
    return cell.kind === 'value' ? cell.rate : null;
  });
}

/** Every interval that occurs in one of the lines, in order. */
export function timesOf(series: readonly Series[]): { instant: number; wall: string }[] {
  const all = new Map(series.flatMap(({ points }) => points.map(({ instant, wall }) => [instant, { instant, wall }] as const)));
  return [...all.values()].sort((a, b) => a.instant - b.instant);
}

/** Runs of neighbouring points that have a value. */
export function runsOf(points: readonly SeriesPoint[], interval: Interval): SeriesPoint[][] {
  return neighbours(points, interval, ({ value }) => value !== null);
}

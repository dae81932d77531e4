// From the rows of an answer by time to the points of a line: where each lies, where the line has to break, and which
// points get a label on the axis.
import type { Interval, Row } from '../api/types';
import { countCell, rateCell, valueOf, type RateValue } from '../numbers/cell';

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
  const found: Point[][] = [];
  let last: Point | null = null;
  for (const point of points) {
    if (!point.rate) {
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
export function ticksOf(points: readonly Point[], interval: Interval, room: number): Point[] {
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

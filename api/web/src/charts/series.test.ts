import { describe, expect, it } from 'vitest';
import type { Row } from '../api/types';
import { earlierPoints, isOpen, pointsOf, releases, runs, spanOf, ticksOf } from './series';

function row(time: string, rate: number | null, denominator: number | null = 10): Row {
  return { dimensions: { time }, metrics: { consent_rate: rate, consent_rate_denominator: denominator, granted: 1, decisions: 2 } };
}

const walls = (points: { wall: string }[]) => points.map((p) => p.wall.slice(5, 13));

describe('points', () => {
  it('keep the clock of the answer and sort by the instant', () => {
    const points = pointsOf([row('2026-10-25T02:00:00+01:00', 0.5), row('2026-10-25T02:00:00+02:00', 0.4)]);
    expect(points.map((p) => p.time.slice(19))).toEqual(['+02:00', '+01:00']);
    expect(points[1]!.instant - points[0]!.instant).toBe(3_600_000);
    expect(points[0]!.wall).toBe('2026-10-25T02:00:00');
  });

  it('tell a withheld one from an empty one', () => {
    const [withheld, empty] = pointsOf([row('2026-11-01T00:00:00Z', null, null), row('2026-11-02T00:00:00Z', null, 0)]);
    expect([withheld!.withheld, empty!.withheld]).toEqual([true, false]);
    expect(withheld!.rate).toBeNull();
  });
});

describe('lines', () => {
  it('break at a missing interval and at a withheld point', () => {
    const points = pointsOf([
      row('2026-11-01T00:00:00Z', 0.5), row('2026-11-02T00:00:00Z', 0.5), row('2026-11-05T00:00:00Z', 0.5),
      row('2026-11-06T00:00:00Z', null, null), row('2026-11-07T00:00:00Z', 0.5),
    ]);
    expect(runs(points, 'day').map((run) => run.length)).toEqual([2, 1, 1]);
  });

  it('do not break at the longer day of autumn', () => {
    const points = pointsOf([row('2026-10-25T00:00:00+02:00', 0.5), row('2026-10-26T00:00:00+01:00', 0.5)]);
    expect(runs(points, 'day')).toHaveLength(1);
  });
});

describe('the newest interval', () => {
  it('is open until its end', () => {
    const points = pointsOf([row('2026-11-24T00:00:00+01:00', 0.5)]);
    expect(isOpen(points, 'day', new Date('2026-11-24T21:00:00Z'))).toBe(true);
    expect(isOpen(points, 'day', new Date('2026-11-25T00:00:00Z'))).toBe(false);
    expect(isOpen([], 'day', new Date())).toBe(false);
    expect(isOpen(points, 'day', null)).toBe(false);
  });
});

describe('a zoomed axis', () => {
  it('spans what occurs, with air, and never leaves 0 to 1', () => {
    const [low, high] = spanOf(pointsOf([row('2026-11-01T00:00:00Z', 0.5), row('2026-11-02T00:00:00Z', 0.6)]));
    expect([low.toFixed(3), high.toFixed(3)]).toEqual(['0.485', '0.615']);
    expect(spanOf(pointsOf([row('2026-11-01T00:00:00Z', 1)]))).toEqual([0.99, 1]);
    expect(spanOf([])).toEqual([0, 1]);
  });
});

describe('ticks', () => {
  const hours = Array.from({ length: 48 }, (_, i) => row(new Date(Date.UTC(2026, 10, 23, i)).toISOString(), 0.5));

  it('stand at round hours', () => {
    expect(walls(ticksOf(pointsOf(hours), 'hour', 9))).toEqual(
      ['11-23T00', '11-23T06', '11-23T12', '11-23T18', '11-24T00', '11-24T06', '11-24T12', '11-24T18']);
  });

  it('always include the newest day and never exceed the room', () => {
    const days = Array.from({ length: 28 }, (_, i) => row(`2026-11-${String(i + 1).padStart(2, '0')}T00:00:00Z`, 0.5));
    const ticks = ticksOf(pointsOf(days), 'day', 6);
    expect(ticks.length).toBeLessThanOrEqual(6);
    expect(ticks.at(-1)!.wall.slice(8, 10)).toBe('28');
  });
});

describe('releases', () => {
  it('are the first day of each version but those that were there before', () => {
    const shown = (time: string, banner_version: string, shown: number | null): Row => ({ dimensions: { time, banner_version }, metrics: { shown } });
    const [one, two, three] = ['2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z', '2026-11-03T00:00:00Z'];
    const rows = [shown(three, 'new', 5), shown(one, 'old', 5), shown(two, 'new', null), shown(two, 'old', 5), shown(two, 'never', 0), shown(one, '', 3)];
    expect(releases(rows, (version) => `v ${version}`)).toEqual([{ instant: Date.parse(two), label: 'v new' }]);
  });
});

describe('earlier points', () => {
  it('stand where the points stand that they are compared with', () => {
    const [later] = [row('2026-11-08T00:00:00Z', 0.5)];
    const rows = [{ ...later!, comparison: { ...row('2026-11-01T00:00:00Z', 0.4), change: {} } }, row('2026-11-09T00:00:00Z', 0.5)];
    expect(earlierPoints(rows).map((point) => [point.wall.slice(0, 10), point.rate?.rate])).toEqual([['2026-11-08', 0.4]]);
  });
});

import { describe, expect, it } from 'vitest';
import type { Query, Row } from './types';
import { joined } from './compare';

const query = (part: Partial<Query>): Query => ({ date_range: ['2026-11-08', '2026-11-14'], timezone: 'UTC', metrics: [], dimensions: [], filters: [], ...part });
const week = query({ dimensions: ['time'], interval: 'day' });
const before = query({ ...week, date_range: ['2026-11-01', '2026-11-07'] });
const at = (time: string, shown: number | null): Row => ({ dimensions: { time }, metrics: { shown } });

describe('a comparison', () => {
  it('puts days beside the days that stand at the same place', () => {
    const rows = joined([at('2026-11-08T00:00:00Z', 30), at('2026-11-10T00:00:00Z', 5)], [at('2026-11-01T00:00:00Z', 20), at('2026-11-02T00:00:00Z', 9)], week, before);
    expect(rows[0]?.comparison).toEqual({ dimensions: { time: '2026-11-01T00:00:00Z' }, metrics: { shown: 20 }, change: { shown: 0.5 } });
    expect(rows[1]?.comparison).toBeUndefined();
  });

  it('of counts is relative, and nothing where one is withheld or was 0', () => {
    const change = (now: number | null, then: number | null) =>
      joined([at('2026-11-08T00:00:00Z', now)], [at('2026-11-01T00:00:00Z', then)], week, before)[0]?.comparison?.change.shown;
    expect([change(5, 10), change(null, 10), change(5, null), change(5, 0), change(0, 5)]).toEqual([-0.5, null, null, null, -1]);
  });

  it('of rates is in points, with Newcombe’s interval', () => {
    const rate = (value: number, low: number, high: number, trials: number): Row => ({
      dimensions: {}, metrics: { consent_rate: value, consent_rate_low: low, consent_rate_high: high, consent_rate_denominator: trials },
    });
    // 56/70 against 48/80: Newcombe 1998, table II, (a).
    const [row] = joined([rate(0.8, 0.6919, 0.8771, 70)], [rate(0.6, 0.4904, 0.7003, 80)], query({}), query({}));
    expect(row?.comparison?.change.consent_rate).toBeCloseTo(0.2, 12);
    expect(row?.comparison?.change.consent_rate_low).toBeCloseTo(0.0524, 3);
    expect(row?.comparison?.change.consent_rate_high).toBeCloseTo(0.3339, 3);
    expect(row?.comparison?.change).not.toHaveProperty('consent_rate_denominator');
  });
});

import { describe, expect, it } from 'vitest';
import type { Row } from '../api/types';
import { parsePlan, type Plan } from './plan';
import { isTime, plannedSize, reached } from './progress';

const plan = (part: Partial<Plan> = {}): Plan => ({ ...parsePlan(() => null), ...part });
const rows: Row[] = [['A', 0.1, 600], ['B', 0.12, 700]].map(([variant, rate, shown]) => ({
  dimensions: { variant: String(variant) }, metrics: { opt_in_rate: Number(rate), opt_in_rate_denominator: Number(shown), shown: Number(shown), decisions: 5 } }));

describe('progress', () => {
  it('is towards what the effect needs, or what the plan says', () => {
    expect(plannedSize(plan({ effect: 0.05 }), rows, ['A', 'B'])).toEqual([686, 686]);
    expect(plannedSize(plan({ size: 900, split: [9, 1] }), rows, ['A', 'B'])).toEqual([900, 100]);
    expect(plannedSize(plan(), [], ['A', 'B'])).toBeNull();
    expect(reached(plan(), rows, ['A', 'B'])).toEqual([600, 700]);
    expect(reached(plan({ metric: 'consent_rate' }), rows, ['A', 'C'])).toEqual([5, null]);
  });

  it('ends once both arms are there, or after the day', () => {
    expect(isTime(plan(), [686, 686], [600, 700], '2026-11-26')).toBe(false);
    expect(isTime(plan(), [600, 686], [600, 700], '2026-11-26')).toBe(true);
    expect(isTime(plan(), null, [600, 700], '2026-11-26')).toBe(false);
    const dated = plan({ rule: { kind: 'date', until: '2026-11-26' } });
    expect([isTime(dated, null, [1, 1], '2026-11-26'), isTime(dated, null, [1, 1], '2026-11-27')]).toEqual([false, true]);
  });
});

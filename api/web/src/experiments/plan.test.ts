import { describe, expect, it } from 'vitest';
import { parsePlan } from './plan';

const parse = (search: string) => { const of = new URLSearchParams(search); return parsePlan((key) => of.get(key)); };

describe('a plan in the address', () => {
  it('is read as it was written', () => {
    expect(parse('by=banner_version&a=2026-09-15&b=2026-11-01&metric=consent_rate&split=9:1&effect=0.5&size=4000&rule=2026-12-01')).toEqual({
      by: 'banner_version', a: '2026-09-15', b: '2026-11-01', metric: 'consent_rate', split: [9, 1], effect: 0.005, size: 4000,
      rule: { kind: 'date', until: '2026-12-01' },
    });
  });

  it('is the usual one where nothing or nonsense is said', () => {
    const usual = { by: 'variant', a: null, b: null, metric: 'opt_in_rate', split: [50, 50], effect: 0.02, size: null, rule: { kind: 'size' } };
    expect(parse('')).toEqual(usual);
    expect(parse('by=luck&metric=shown&split=1:0&effect=-2&size=many&rule=2026-02-30')).toEqual(usual);
    expect(parse('split=1:2:3&effect=60&size=1.5')).toEqual(usual);
  });
});

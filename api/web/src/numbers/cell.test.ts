import { describe, expect, it } from 'vitest';
import { countCell, rateCell, valueOf } from './cell';

describe('cells', () => {
  it('tells a number, a withheld one and none apart', () => {
    expect(countCell({ granted: 0 }, 'granted')).toEqual({ kind: 'value', value: 0 });
    expect(countCell({ granted: null }, 'granted')).toEqual({ kind: 'withheld' });
    expect(countCell({}, 'granted')).toEqual({ kind: 'none' });
    expect(countCell(undefined, 'granted')).toEqual({ kind: 'none' });
    expect(countCell({ median_seconds_to_decide: null }, 'median_seconds_to_decide')).toEqual({ kind: 'none' });
    expect(countCell({ median_seconds_to_decide: null, decisions: 3 }, 'median_seconds_to_decide')).toEqual({ kind: 'none' });
    expect(countCell({ median_seconds_to_decide: null, decisions: null }, 'median_seconds_to_decide')).toEqual({ kind: 'withheld' });
    expect(valueOf({ kind: 'withheld' })).toBeNull();
  });

  it('reads a rate with its interval and denominator', () => {
    const metrics = { consent_rate: 0.6, consent_rate_low: 0.5, consent_rate_high: 0.7, consent_rate_denominator: 90 };
    expect(rateCell(metrics, 'consent_rate')).toEqual(
      { kind: 'value', rate: 0.6, denominator: 90, interval: { low: 0.5, high: 0.7 } });
  });

  it('has no interval where the numerator exceeds the denominator', () => {
    const metrics = { interaction_rate: 1.2, interaction_rate_low: null, interaction_rate_high: null, interaction_rate_denominator: 10 };
    expect(rateCell(metrics, 'interaction_rate')).toMatchObject({ kind: 'value', rate: 1.2, interval: null });
  });

  it('keeps "nothing to divide by" apart from "withheld"', () => {
    expect(rateCell({ consent_rate: null, consent_rate_denominator: 0 }, 'consent_rate').kind).toBe('none');
    expect(rateCell({ consent_rate: null, consent_rate_denominator: null }, 'consent_rate').kind).toBe('withheld');
    expect(rateCell({}, 'consent_rate').kind).toBe('none');
  });
});

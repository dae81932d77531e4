import { describe, expect, it } from 'vitest';
import type { Row } from '../api/types';
import { effortOf, evidence, hardships, leader, proportionOf, resultOf, strataOf, tooFew } from './result';

const arm = (variant: string, rate: number, denominator: number, more: Row['metrics'] = {}): Row => ({
  dimensions: { variant }, metrics: { opt_in_rate: rate, opt_in_rate_denominator: denominator, ...more },
});

describe('two arms', () => {
  it('differ by b less a, with Newcombe’s interval', () => {
    const result = resultOf(arm('A', 48 / 80, 80), arm('B', 56 / 70, 70), 'opt_in_rate');
    expect(result?.difference).toBeCloseTo(0.2, 12);
    expect(result?.interval.low).toBeCloseTo(0.0524, 4);
    expect(result?.interval.high).toBeCloseTo(0.3339, 4);
    expect(result && leader(result)).toBe('b');
    expect(evidence(result?.test?.p ?? 1)).toBe('strong');
  });

  it('are too few where an outcome has fewer than five', () => {
    const few = (successes: number, trials: number) => { const found = resultOf(arm('A', successes / trials, trials), arm('B', 0.5, 100), 'opt_in_rate'); return found && tooFew(found); };
    expect([few(4, 100), few(5, 100), few(96, 100), few(95, 100)]).toEqual([true, false, true, false]);
  });

  it('count decisions, not pairs, for the consent rate', () => {
    const row: Row = { dimensions: {}, metrics: { consent_rate: 0.5, consent_rate_denominator: 400, decisions: 100 } };
    expect(proportionOf(row, 'consent_rate')).toEqual({ successes: 50, trials: 100 });
  });

  it('have no result where one is withheld, missing or no share', () => {
    const withheld: Row = { dimensions: {}, metrics: { opt_in_rate: null, opt_in_rate_denominator: null } };
    expect(resultOf(withheld, arm('B', 0.5, 10), 'opt_in_rate')).toBeNull();
    expect(resultOf(undefined, arm('B', 0.5, 10), 'opt_in_rate')).toBeNull();
    expect(proportionOf(arm('A', 1.2, 10), 'opt_in_rate')).toBeNull();
  });
});

describe('strata', () => {
  it('put the two arms of a country and device together', () => {
    const row = (banner_version: string, country: string, rate: number, trials: number): Row => ({
      dimensions: { banner_version, country, device: 'mobile' }, metrics: { opt_in_rate: rate, opt_in_rate_denominator: trials, decisions: trials / 2 } });
    const strata = strataOf([row('old', 'FR', 0.5, 10), row('new', 'FR', 0.75, 20), row('new', 'DE', 1, 4), row('older', 'FR', 0, 9)], 'banner_version', ['old', 'new'], 'opt_in_rate');
    expect(strata).toEqual([
      { name: 'FR mobile', a: { successes: 5, trials: 10 }, b: { successes: 15, trials: 20 }, weight: 15 },
      { name: 'DE mobile', a: { successes: 0, trials: 0 }, b: { successes: 4, trials: 4 }, weight: 2 },
    ]);
  });
});

describe('a winner that makes refusing harder', () => {
  const refusals = (a: number, b: number) => resultOf(
    { dimensions: {}, metrics: { reject_all_rate: a, reject_all_rate_denominator: 5000 } },
    { dimensions: {}, metrics: { reject_all_rate: b, reject_all_rate_denominator: 5000 } }, 'reject_all_rate');

  it('is told by fewer refusals, or by slower ones', () => {
    const even = { accept: 5, reject: 5 };
    expect(hardships(even, even, refusals(0.3, 0.2), 'b')).toEqual(['fewer_refusals']);
    expect(hardships(even, even, refusals(0.2, 0.3), 'b')).toEqual([]);
    expect(hardships(even, even, refusals(0.2, 0.3), 'a')).toEqual(['fewer_refusals']);
    expect(hardships({ accept: 5, reject: 9 }, even, refusals(0.3, 0.3), 'b')).toEqual(['slower_refusals', 'slower_than_accepting']);
    expect(hardships({ accept: 5, reject: 5.4 }, even, null, 'b')).toEqual([]);
    expect(hardships({ accept: 5, reject: null }, even, null, 'b')).toEqual([]);
  });

  it('reads the efforts from the rows by method', () => {
    const row = (variant: string, method: string, seconds: number | null): Row => ({ dimensions: { variant, method }, metrics: { median_seconds_to_decide: seconds } });
    expect(effortOf([row('A', 'accept_all', 4), row('A', 'reject_all', 7), row('B', 'reject_all', null)], 'variant', 'A')).toEqual({ accept: 4, reject: 7 });
    expect(effortOf([row('B', 'reject_all', null)], 'variant', 'B')).toEqual({ accept: null, reject: null });
  });
});

import { describe, expect, it } from 'vitest';
import { chiSquareTail, normalTails, sampleRatio, twoProportions } from './tests';

const of = (successes: number, trials: number) => ({ successes, trials });

describe('tails', () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4, critical values of the chi-square distribution.
  it('of the chi-square distribution are those of the tables', () => {
    for (const [statistic, degrees, tail] of [
      [3.841, 1, 0.05], [6.635, 1, 0.01], [10.828, 1, 0.001], [5.991, 2, 0.05], [7.815, 3, 0.05], [18.307, 10, 0.05], [29.588, 10, 0.001],
    ] as const) expect(chiSquareTail(statistic, degrees)).toBeCloseTo(tail, 4);
    expect(chiSquareTail(0, 1)).toBe(1);
  });

  it('of the normal distribution are twice the textbook’s', () => {
    expect(normalTails(1.959963984540054)).toBeCloseTo(0.05, 12);
    expect(normalTails(-2.5758293035489004)).toBeCloseTo(0.01, 12);
    expect(normalTails(0)).toBe(1);
    // 2 (1 - Φ(8)) = 1.2441921148543573e-15
    expect(normalTails(8) / 1.2441921148543573e-15).toBeCloseTo(1, 6);
  });
});

describe('two proportions', () => {
  it('differ as the formula by hand says', () => {
    const found = twoProportions(of(60, 100), of(40, 100));
    expect(found?.statistic).toBeCloseTo(0.2 / Math.sqrt(0.5 * 0.5 * 0.02), 12);
    // The square of z is Pearson's chi-square of the same table: 8.
    expect(found?.p).toBeCloseTo(chiSquareTail(8, 1), 12);
    expect(found?.p).toBeCloseTo(0.004678, 6);
  });

  it('have no test where all or none succeed', () => {
    expect(twoProportions(of(0, 10), of(0, 20))).toBeNull();
    expect(twoProportions(of(10, 10), of(20, 20))).toBeNull();
  });
});

describe('a split', () => {
  // Mendel's peas: 315, 108, 101, 32 against 9:3:3:1 give chi-square 0.470, p = 0.925.
  it('is tested as Mendel’s peas are', () => {
    const found = sampleRatio([315, 108, 101, 32], [9, 3, 3, 1]);
    expect(found?.statistic).toBeCloseTo(0.47, 3);
    expect(found?.p).toBeCloseTo(0.9254, 4);
  });

  // Kohavi, Tang, Xu, "Trustworthy Online Controlled Experiments", chapter 21: 821,588 against 815,482 at 50:50.
  it('is a mismatch where it cannot be chance', () => {
    expect(sampleRatio([821_588, 815_482], [1, 1])?.p).toBeCloseTo(1.8e-6, 7);
    expect(sampleRatio([1000, 1010], [50, 50])?.p).toBeGreaterThan(0.8);
  });

  it('has no test without counts or weights', () => {
    expect(sampleRatio([0, 0], [1, 1])).toBeNull();
    expect(sampleRatio([5], [1])).toBeNull();
    expect(sampleRatio([5, 5], [1, 0])).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import { standardise } from './standardise';

const of = (successes: number, trials: number) => ({ successes, trials });

describe('standardisation', () => {
  // Charig and others, BMJ 292 (1986) 879: open surgery is better for small and for large stones, and looks worse pooled.
  const strata = [
    { name: 'small', a: of(81, 87), b: of(234, 270), weight: 357 },
    { name: 'large', a: of(192, 263), b: of(55, 80), weight: 343 },
  ];

  it('undoes Simpson’s paradox', () => {
    const [pooledA, pooledB] = [(81 + 192) / 350, (234 + 55) / 350];
    expect(pooledA).toBeLessThan(pooledB);
    const found = standardise(strata);
    // By hand: weights 357/700 and 343/700.
    expect(found?.a).toBeCloseTo(0.51 * (81 / 87) + 0.49 * (192 / 263), 12);
    expect(found?.b).toBeCloseTo(0.51 * (234 / 270) + 0.49 * (55 / 80), 12);
    expect(found?.difference).toBeGreaterThan(0);
    expect(found?.used).toBe(2);
    expect(found?.leftOut).toBe(0);
  });

  it('leaves out where only one group is, and says how much', () => {
    const found = standardise([...strata, { name: 'gone', a: of(50, 100), b: of(0, 0), weight: 100 }]);
    expect(found?.used).toBe(2);
    expect(found?.leftOut).toBeCloseTo(100 / 800, 12);
    expect(found?.difference).toBeCloseTo(standardise(strata)?.difference ?? 0, 12);
  });

  it('is nothing where the groups never meet', () => {
    expect(standardise([{ name: 'x', a: of(1, 2), b: of(0, 0), weight: 2 }])).toBeNull();
    expect(standardise([])).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import { neededByWeight, neededPerArm } from './power';

describe('how many are needed', () => {
  // R: power.prop.test(p1 = .10, p2 = .15, power = .80) gives n = 685.6; power.prop.test(p1 = .5, p2 = .55, power = .8) 1564.5.
  it('is what R says', () => {
    expect(neededPerArm(0.1, 0.05)).toBe(686);
    expect(neededPerArm(0.5, 0.05)).toBe(1565);
    expect(neededPerArm(0.15, -0.05)).toBe(686);
  });

  it('is nothing where there is no effect to see', () => {
    expect(neededPerArm(0.5, 0)).toBeNull();
    expect(neededPerArm(0.98, 0.05)).toBeNull();
  });

  it('grows where the arms are unequal', () => {
    expect(neededByWeight(0.1, 0.05, [50, 50])).toEqual([686, 686]);
    const [small, large] = neededByWeight(0.1, 0.05, [10, 90]) ?? [0, 0];
    expect(1 / small + 1 / large).toBeLessThanOrEqual(2 / 686 + 1e-9);
    expect(large / small).toBeCloseTo(9, 1);
    expect(neededByWeight(0.1, 0.05, [0, 1])).toBeNull();
  });
});

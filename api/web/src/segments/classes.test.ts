import { describe, expect, it } from 'vitest';
import { countries } from './atlas';
import { classesOf } from './classes';

describe('classes', () => {
  it('have round limits that hold every value', () => {
    const { of, limits } = classesOf([0.512, 0.583, 0.648]);
    expect(limits).toEqual([[0.5, 0.55], [0.55, 0.6], [0.6, 0.65]]);
    expect([of(0.512), of(0.55), of(0.648), of(0.65)]).toEqual([0, 1, 2, 2]);
  });

  it('are there for a single value and for none, and never more than five', () => {
    expect(classesOf([0.5]).limits.length).toBeGreaterThan(0);
    expect(classesOf([]).limits.length).toBeGreaterThan(0);
    for (const high of [0.13, 0.77, 7, 23, 999, 123_456]) expect(classesOf([0, high]).limits.length).toBeLessThanOrEqual(5);
  });
});

describe('the atlas', () => {
  it('knows countries by the codes of the API', () => {
    const codes = countries().map(({ code }) => code);
    for (const code of ['FR', 'DE', 'ES', 'GB', 'US', 'IT', 'CY', 'BR', 'IN', 'JP']) expect(codes, code).toContain(code);
    expect(codes.filter((code) => code === null).length).toBeLessThan(5);
  });
});

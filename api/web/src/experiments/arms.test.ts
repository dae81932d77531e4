import { describe, expect, it } from 'vitest';
import type { Row } from '../api/types';
import { armsOf, chosenArms } from './arms';
import { parsePlan, type Plan } from './plan';

const plan = (part: Partial<Plan>): Plan => ({ ...parsePlan(() => null), ...part });

describe('arms', () => {
  it('stand by name, banner versions by their first day', () => {
    const row = (banner_version: string, time: string): Row => ({ dimensions: { banner_version, time }, metrics: { shown: 5 } });
    const over = [row('v10', '2026-11-02T00:00:00Z'), row('v9', '2026-11-01T00:00:00Z'), row('a-new', '2026-11-20T00:00:00Z')];
    expect(armsOf([...over, row('', '')], over, 'banner_version')).toEqual(['v9', 'v10', 'a-new']);
    const variants = ['B10', 'B2', 'A'].map((variant): Row => ({ dimensions: { variant }, metrics: { shown: 1 } }));
    expect(armsOf(variants, [], 'variant')).toEqual(['A', 'B2', 'B10']);
  });

  it('are chosen where the address does not, or wrongly', () => {
    expect(chosenArms(['A', 'B', 'C'], plan({}))).toEqual(['A', 'B']);
    expect(chosenArms(['v1', 'v2', 'v3'], plan({ by: 'banner_version' }))).toEqual(['v2', 'v3']);
    expect(chosenArms(['A', 'B', 'C'], plan({ a: 'C' }))).toEqual(['C', 'A']);
    expect(chosenArms(['A', 'B', 'C'], plan({ a: 'B', b: 'B' }))).toEqual(['B', 'A']);
    expect(chosenArms(['A', 'B', 'C'], plan({ b: 'A' }))).toEqual(['B', 'A']);
    expect(chosenArms(['A'], plan({}))).toBeNull();
    expect(chosenArms([], plan({}))).toBeNull();
  });
});

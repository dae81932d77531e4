import { describe, expect, it } from 'vitest';
import type { TableRow } from '../tables/table';
import { parseOrder, sorted, turned, USUAL_ORDER, writeOrder } from './order';

const row = (key: string, shown: number | null): TableRow => (
  { key, name: key, rates: {}, counts: { shown: shown === null ? { kind: 'withheld' } : { kind: 'value', value: shown } } });
const keys = (order: string) => sorted([row('b', 2), row('c', null), row('a', 3)], parseOrder(order), null).map(({ key }) => key).join('');

describe('the order of sites', () => {
  it('survives the address', () => {
    for (const text of ['name', '-name', '-shown', 'change', 'consent_rate']) expect(writeOrder(parseOrder(text))).toBe(text);
    expect(writeOrder(parseOrder('-consent_rate'))).toBeNull();
    expect(parseOrder('nonsense')).toEqual(USUAL_ORDER);
  });

  it('puts what has no value last, whichever way', () => {
    expect([keys('shown'), keys('-shown'), keys('name'), keys('-name')]).toEqual(['bac', 'abc', 'abc', 'cba']);
  });

  it('begins with the largest number or with A, and turns', () => {
    expect(turned(USUAL_ORDER, 'shown')).toEqual({ by: 'shown', falling: true });
    expect(turned(USUAL_ORDER, 'name')).toEqual({ by: 'name', falling: false });
    expect(turned(USUAL_ORDER, 'consent_rate')).toEqual({ by: 'consent_rate', falling: false });
  });
});

import { describe, expect, it } from 'vitest';
import type { Metric } from '../api/types';
import { parseOrder, sorted, turned, writeOrder } from './order';
import type { TableRow } from './table';

const COLUMNS: Metric[] = ['shown', 'consent_rate'];
const parse = (text: string | null) => parseOrder(text, COLUMNS, 'consent_rate');
const row = (key: string, shown: number | null): TableRow => (
  { key, name: key, rates: {}, counts: { shown: shown === null ? { kind: 'withheld' } : { kind: 'value', value: shown } } });
const keys = (order: string) => sorted([row('b', 2), row('c', null), row('a', 3)], parse(order), null).map(({ key }) => key).join('');

describe('the order of a table', () => {
  it('survives the address', () => {
    for (const text of ['name', '-name', '-shown', 'change', 'consent_rate']) expect(writeOrder(parse(text), 'consent_rate')).toBe(text);
    expect(writeOrder(parse('-consent_rate'), 'consent_rate')).toBeNull();
    for (const text of [null, 'nonsense', 'visitors']) expect(parse(text)).toEqual({ by: 'consent_rate', falling: true });
  });

  it('puts what has no value last, whichever way', () => {
    expect([keys('shown'), keys('-shown'), keys('name'), keys('-name')]).toEqual(['bac', 'abc', 'abc', 'cba']);
  });

  it('begins with the largest number or with A, and turns', () => {
    const usual = parse(null);
    expect(turned(usual, 'shown')).toEqual({ by: 'shown', falling: true });
    expect(turned(usual, 'name')).toEqual({ by: 'name', falling: false });
    expect(turned(usual, 'consent_rate')).toEqual({ by: 'consent_rate', falling: false });
  });
});

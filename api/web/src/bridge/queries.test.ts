import { describe, expect, it } from 'vitest';
import type { Bridge } from '../api/types';
import { bars, bridgeCsv, choiceOf } from './queries';

const step = (name: string, after: number | null, moved: number | null, more: object = {}) =>
  ({ step: name, words: '', after, moved, withheld: after === null, numerator: null, denominator: null, ...more });
const bridge = {
  ours: { metric: 'consent_rate', definition: '', timezone: 'UTC', rate: 0.61, low: 0.6, high: 0.62, numerator: 61, denominator: 100 },
  theirs: { definition: '', timezone: 'UTC', counts: [], rate: 0.68, numerator: 68, denominator: 100, made_at: '' },
  steps: [
    step('denominator', 0.64, 0.03), step('prompts', null, null), step('repeats', 0.64, 0, { low: 0.63, high: 0.65, repeats: 4 }),
    step('remainder', 0.68, 0.04),
  ],
} as unknown as Bridge;

describe('a bridge', () => {
  it('goes from ours to theirs, each bar from where the one before ended', () => {
    expect(bars(bridge).map(({ step, from, to }) => [step, from, to])).toEqual([
      ['ours', 0, 0.61], ['denominator', 0.61, 0.64], ['prompts', null, null], ['repeats', 0.64, 0.64], ['remainder', 0.64, 0.68], ['theirs', 0, 0.68],
    ]);
  });

  it('is saved with all that it says', () => {
    expect(bridgeCsv(bridge).split('\r\n').slice(1, 5)).toEqual([
      'ours,0.61,,61,100,0.6,0.62,,', 'denominator,0.64,0.03,,,,,,', 'prompts,,,,,,,,withheld', 'repeats,0.64,0,,,0.63,0.65,4,',
    ]);
  });

  it('is chosen by the address', () => {
    const of = (search: string) => choiceOf((key) => new URLSearchParams(search).get(key));
    expect(of('')).toEqual({ tool: null, metric: 'consent_rate' });
    expect(of('tool=a.example/didomi&metric=opt_in_rate')).toEqual({ tool: 'a.example/didomi', metric: 'opt_in_rate' });
    expect(of('metric=cats').metric).toBe('consent_rate');
  });
});

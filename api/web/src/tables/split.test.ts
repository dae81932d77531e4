import { describe, expect, it } from 'vitest';
import { splitsCsv, stretches, type Part, type Split } from './split';

const PARTS: Part[] = [{ key: 'yes', name: 'Yes', ink: 'plain' }, { key: 'no', name: 'No', ink: 'hatch' }];
const split = (total: number | null, yes: number | null, no: number | null): Split => (
  { at: { site: 'a.example', signal: 'tcf' }, name: 'A · TCF', total, parts: { yes, no }, rate: { kind: 'withheld' } });

describe('a total in parts', () => {
  it('fills a bar', () => {
    expect(stretches(split(8, 6, 2), PARTS)).toEqual([{ key: 'yes', ink: 'plain', from: 0, width: 0.75 }, { key: 'no', ink: 'hatch', from: 0.75, width: 0.25 }]);
    expect(stretches(split(0, 0, 0), PARTS)).toEqual([]);
  });

  it('leaves what is withheld as a stretch of its own where the total is known, and out where it is not', () => {
    expect(stretches(split(8, 6, null), PARTS)).toEqual([{ key: 'yes', ink: 'plain', from: 0, width: 0.75 }, { key: 'withheld', ink: 'withheld', from: 0.75, width: 0.25 }]);
    expect(stretches(split(null, 6, null), PARTS)).toEqual([{ key: 'yes', ink: 'plain', from: 0, width: 1 }]);
  });

  it('becomes CSV with its dimensions, and names what is withheld', () => {
    const known: Split = { ...split(8, 6, 2), rate: { kind: 'value', rate: 0.25, denominator: 8, interval: { low: 0.1, high: 0.5 } } };
    expect(splitsCsv([known, split(null, 6, null)], PARTS, 'no_rate').split('\r\n')).toEqual([
      'site,signal,name,decisions,yes,no,no_rate,no_rate_low,no_rate_high,no_rate_denominator,withheld',
      'a.example,tcf,A · TCF,8,6,2,0.25,0.1,0.5,8,',
      'a.example,tcf,A · TCF,,6,,,,,,decisions no',
      '',
    ]);
  });
});

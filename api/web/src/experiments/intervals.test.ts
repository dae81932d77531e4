// Known values: Newcombe's papers of 1998 in Statistics in Medicine 17, on one proportion (857-872, table I, method 3) and
// on the difference of two (873-890, table II, method 10).
import { describe, expect, it } from 'vitest';
import { newcombe, wilson, type Interval } from './intervals';

const of = (successes: number, trials: number) => ({ successes, trials });
const written = ({ low, high }: Interval) => [low, high].map((value) => Number(value.toFixed(4)) + 0);

describe('Wilson', () => {
  it('gives the published intervals', () => {
    expect(written(wilson(of(81, 263)))).toEqual([0.2553, 0.3662]);
    expect(written(wilson(of(15, 148)))).toEqual([0.0624, 0.1605]);
    expect(written(wilson(of(0, 20)))).toEqual([0, 0.1611]);
    expect(written(wilson(of(1, 29)))).toEqual([0.0061, 0.1718]);
  });
});

describe('Newcombe’s method 10', () => {
  it('gives the published intervals', () => {
    expect(written(newcombe(of(56, 70), of(48, 80)))).toEqual([0.0524, 0.3339]);
    expect(written(newcombe(of(9, 10), of(3, 10)))).toEqual([0.1705, 0.809]);
    expect(written(newcombe(of(6, 7), of(2, 7)))).toEqual([0.0582, 0.8062]);
    expect(written(newcombe(of(5, 56), of(0, 29)))).toEqual([-0.0381, 0.1926]);
    expect(written(newcombe(of(0, 10), of(0, 20)))).toEqual([-0.1611, 0.2775]);
    expect(written(newcombe(of(0, 10), of(0, 10)))).toEqual([-0.2775, 0.2775]);
    expect(written(newcombe(of(10, 10), of(0, 20)))).toEqual([0.6791, 1]);
    expect(written(newcombe(of(10, 10), of(0, 10)))).toEqual([0.6075, 1]);
  });

  it('turns its sign with the two samples', () => {
    const [there, back] = [newcombe(of(56, 70), of(48, 80)), newcombe(of(48, 80), of(56, 70))];
    expect(back.low).toBeCloseTo(-there.high, 12);
    expect(back.high).toBeCloseTo(-there.low, 12);
  });
});

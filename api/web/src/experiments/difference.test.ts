import { expect, it } from 'vitest';
import { differenceCsv, differenceRows } from './difference';
import { newcombe } from './intervals';

// Newcombe (1998), example (a): 56 of 70 and 48 of 80, 0.2000 (0.0524 to 0.3339).
const [a, b] = [{ successes: 48, trials: 80 }, { successes: 56, trials: 70 }];
const rows = differenceRows({ a, b, difference: 0.2, interval: newcombe(b, a), test: null }, ['A', 'B']);

it('has both arms and the difference', () => {
  expect(rows.map(({ arm, value, trials }) => [arm, value, trials])).toEqual([['A', 0.6, 80], ['B', 0.8, 70], [null, 0.2, null]]);
  expect(rows[2]?.low).toBeCloseTo(0.0524, 4);
  expect(rows[2]?.high).toBeCloseTo(0.3339, 4);
});

it('is written with the names of the other CSVs', () => {
  expect(differenceCsv(rows).split('\r\n').slice(0, 2).map((line) => line.split(',').slice(0, 2))).toEqual([['arm', 'value'], ['A', '0.6']]);
});

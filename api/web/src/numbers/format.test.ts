import { describe, expect, it } from 'vitest';
import { ago, arrow, count, dayRange, duration, intervalStart, percent, percentRange, points, pValue, rangeDigits, relativeChange, tick } from './format';

const plain = (text: string) => text.replace(/[\u00a0\u202f\u2009]/g, ' ');

describe('numbers by language', () => {
  it('groups and separates as the language does', () => {
    expect(count('en', 1234567)).toBe('1,234,567');
    expect(plain(count('fr', 1234567))).toBe('1 234 567');
    expect(count('de', 1234567)).toBe('1.234.567');
    expect(count('es', 1234)).toBe('1.234');
  });

  it('writes shares with one decimal and the sign as the language sets it', () => {
    expect(percent('en', 0.6123)).toBe('61.2%');
    expect(plain(percent('fr', 0.6123))).toBe('61,2 %');
    expect(plain(percent('de', 1))).toBe('100,0 %');
    expect(plain(percent('es', 0))).toBe('0,0 %');
  });

  it('writes an interval with the sign once, and with a second decimal where one would hide it', () => {
    expect(percentRange('en', 0.601, 0.623)).toBe('60.1–62.3%');
    expect(plain(percentRange('fr', 0.601, 0.623))).toBe('60,1–62,3 %');
    expect(rangeDigits(0.601, 0.623)).toBe(1);
    expect(rangeDigits(0.6012, 0.6015)).toBe(2);
    expect(rangeDigits(0.5, 0.5)).toBe(1);
  });

  it('writes changes with their sign, and none where nothing changed', () => {
    expect([relativeChange('en', 0.123), relativeChange('en', -0.04), relativeChange('en', 0)]).toEqual(['+12.3%', '-4.0%', '0.0%']);
    expect([points('en', 0.027), points('de', -0.004), points('en', 0)]).toEqual(['+2.7', '-0,4', '0.0']);
  });

  it('writes p values as the language does, and never as 0', () => {
    expect([pValue('en', 0.0046), pValue('de', 0.0046), pValue('en', 1e-12)]).toEqual(['0.0046', '0,0046', '< 0.0001']);
  });

  it('never says that something is in the future', () => {
    expect(ago('en', -5_000)).toBe('0 sec ago');
    expect(ago('en', 125_000)).toBe('2 min ago');
  });
});

describe('times', () => {
  it('names an interval by the clock in the answer, whatever zone the reader is in', () => {
    expect(intervalStart('en', '2026-11-24T00:00:00', 'day')).toBe('Tue, 24 Nov 2026');
    expect(intervalStart('de', '2026-11-01T00:00:00', 'month')).toBe('November 2026');
    expect(intervalStart('en', '2026-10-25T02:00:00', 'hour')).toContain('02:00');
  });

  it('labels midnight with the day, other hours with the time', () => {
    expect(tick('en', '2026-11-24T00:00:00', 'hour')).toBe('24 Nov');
    expect(tick('en', '2026-11-24T06:00:00', 'hour')).toBe('06:00');
  });

  it('writes a range of days once where it can', () => {
    expect(dayRange('en', '2026-11-01', '2026-11-24').replace(/\s?–\s?/u, '–')).toBe('1–24 Nov 2026');
    expect(dayRange('en', '2026-11-24', '2026-11-24')).toBe('24 Nov 2026');
  });
});

describe('duration', () => {
  it('takes the largest unit of which there are two', () => {
    expect(plain(duration('en', 4.2))).toBe('4.2 secs');
    expect(plain(duration('en', 119))).toBe('119 secs');
    expect(plain(duration('en', 750))).toBe('12.5 mins');
    expect(plain(duration('en', 11_160))).toBe('3.1 hrs');
    expect(plain(duration('en', 803_520))).toBe('9.3 days');
  });
});

it('points an arrow only where the written change is not 0', () => {
  expect([0.0004, 0.0006, -0.0004, -0.0006, 0].map(arrow)).toEqual(['=', '▲', '=', '▼', '=']);
});

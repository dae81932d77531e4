import { describe, expect, it } from 'vitest';
import { frozen, parseView, serialiseView } from './state';
import { addDays, dayIn, daysIn, isDay, resolvePeriod, suitableInterval } from './period';

const parse = (search: string) => parseView(new URLSearchParams(search));
const again = (search: string) => serialiseView(parse(search)).toString();

describe('the view in the address', () => {
  it('is empty for the default view', () => {
    expect(again('')).toBe('');
    expect(again('period=28d')).toBe('');
  });

  it('survives the way there and back', () => {
    for (const search of [
      'period=90d', 'from=2026-11-01&to=2026-11-24', 'site=a.example&site=b.example', 'interval=hour',
      'timezone=Europe%2FParis', 'regime=opt_out', 'bots=without', 'service=chaport', 'category=preferences',
      'axis=fit', 'table=time&table=service',
      'from=2026-11-01&to=2026-11-24&site=shop.example&interval=week&timezone=Asia%2FKolkata&regime=notice&bots=without&service=chaport&table=site',
    ]) expect(again(search)).toBe(search);
  });

  it('ignores what makes no sense', () => {
    expect(again('period=fortnight&interval=second&timezone=Mars%2FOlympus&regime=x&bots=yes&table=x&foo=bar')).toBe('');
    expect(again('from=2026-02-30&to=2026-11-24')).toBe('');
    expect(again('from=2026-11-24&to=2026-11-01')).toBe('from=2026-11-01&to=2026-11-24');
    expect(again('site=b&site=a&site=b&site=')).toBe('site=a&site=b');
  });

  it('can be frozen to days and a zone', () => {
    const view = frozen(parse('period=7d&service=chaport'), 'Europe/Paris', new Date('2026-11-24T23:30:00Z'));
    expect(serialiseView(view).toString()).toBe('from=2026-11-19&to=2026-11-25&timezone=Europe%2FParis&service=chaport');
  });
});

describe('periods', () => {
  it('end today in the time zone asked for', () => {
    const now = new Date('2026-11-24T23:30:00Z');
    expect(dayIn('UTC', now)).toBe('2026-11-24');
    expect(dayIn('Asia/Kolkata', now)).toBe('2026-11-25');
    expect(resolvePeriod({ preset: 'today' }, 'Asia/Kolkata', now)).toEqual(['2026-11-25', '2026-11-25']);
    expect(resolvePeriod({ preset: '28d' }, 'UTC', now)).toEqual(['2026-10-28', '2026-11-24']);
    expect(resolvePeriod({ preset: '12m' }, 'UTC', now)).toEqual(['2025-11-25', '2026-11-24']);
    expect(resolvePeriod({ preset: '12m' }, 'UTC', new Date('2028-02-29T12:00:00Z'))).toEqual(['2027-03-01', '2028-02-29']);
  });

  it('count both ends and cross months', () => {
    expect(daysIn(['2026-10-28', '2026-11-24'])).toBe(28);
    expect(addDays('2026-03-01', -1)).toBe('2026-02-28');
  });

  it('get an interval that suits their length', () => {
    expect(suitableInterval(['2026-11-24', '2026-11-24'])).toBe('hour');
    expect(suitableInterval(['2026-10-28', '2026-11-24'])).toBe('day');
    expect(suitableInterval(['2025-11-25', '2026-11-24'])).toBe('week');
    expect(suitableInterval(['2020-01-01', '2026-11-24'])).toBe('month');
  });

  it('know which days exist', () => {
    expect(isDay('2028-02-29')).toBe(true);
    expect(isDay('2026-02-29')).toBe(false);
    expect(isDay('24.11.2026')).toBe(false);
    expect(isDay(null)).toBe(false);
  });
});

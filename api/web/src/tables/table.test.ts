import { describe, expect, it } from 'vitest';
import type { Row } from '../api/types';
import { buildTable, byRate, inOrder, toCsv, type Column } from './table';

const columns: Column[] = [{ kind: 'rate', metric: 'consent_rate' }, { kind: 'count', metric: 'granted' }];

function row(service: string, rate: number | null, granted: number | null, denominator: number | null = 90): Row {
  return {
    dimensions: { service },
    metrics: {
      consent_rate: rate, consent_rate_low: rate === null ? null : 0.5, consent_rate_high: rate === null ? null : 0.75,
      consent_rate_denominator: denominator, granted,
    },
  };
}

const rows = [row('crisp', 0.25, 20), row('chaport', 0.625, 50), row('ada', null, null, null), row('8x8', null, 0, 0)];
const table = buildTable('service', columns, rows, (key) => key.toUpperCase());

describe('tables', () => {
  it('sort by rate, with what has none at the end', () => {
    expect(byRate(table, 'consent_rate').rows.map((r) => r.key)).toEqual(['chaport', 'crisp', '8x8', 'ada']);
  });

  it('sort by a given order', () => {
    expect(inOrder(table, ['ada', 'crisp']).rows.map((r) => r.key)).toEqual(['ada', 'crisp', '8x8', 'chaport']);
  });

  it('become CSV with raw numbers, and say what is withheld instead of showing a zero', () => {
    expect(toCsv(table).split('\r\n')).toEqual([
      'service,name,consent_rate,consent_rate_low,consent_rate_high,consent_rate_denominator,granted,withheld',
      'crisp,CRISP,0.25,0.5,0.75,90,20,',
      'chaport,CHAPORT,0.625,0.5,0.75,90,50,',
      'ada,ADA,,,,,,consent_rate granted',
      '8x8,8X8,,,,,0,',
      '',
    ]);
  });

  it('quote what needs it and disarm formulas', () => {
    const nasty = buildTable('site', [{ kind: 'count', metric: 'granted' }],
      [{ dimensions: { site: '=1+1' }, metrics: { granted: 1 } }], () => 'Ann\'s "Shop", Ltd');
    expect(toCsv(nasty).split('\r\n')[1]).toBe(`'=1+1,"Ann's ""Shop"", Ltd",1,`);
  });
});

import { describe, expect, it } from 'vitest';
import type { Row } from '../api/types';
import { choices, contradictedOf, countChanged, courseOf, earlierRows, inTime, rateChanged, rateOf, splitsOf, validity, verdictOf, worstFirst } from './findings';

const row = (signal: string, finding: string, decisions: number | null, more: Record<string, string> = {}): Row => (
  { dimensions: { signal, finding, ...more }, metrics: { decisions } });
const total = (signal: string, decisions: number | null): Row => ({ dimensions: { signal }, metrics: { decisions } });
const splits = (rows: Row[], totals: Row[] = []) => splitsOf(rows, null, (signal) => signal, totals);

const ROWS = [row('tcf', 'consistent', 900), row('tcf', 'grants_refused', 60), row('tcf', 'denies_granted', 20), row('tcf', 'invalid', 15), row('tcf', 'unreadable', 5),
  row('gpc', 'consistent', 40), row('gpc', 'denies_granted', 10)];

describe('findings', () => {
  it('are the parts of all decisions that carried the signal', () => {
    const [tcf, gpc] = splits(ROWS);
    expect(tcf).toMatchObject({ at: { signal: 'tcf' }, total: 1000, parts: { grants_refused: 60, incomparable: 0 } });
    expect(tcf?.rate).toMatchObject({ kind: 'value', rate: 0.08, denominator: 1000 });
    expect(gpc?.rate).toMatchObject({ kind: 'value', rate: 0.2, denominator: 50 });
  });

  it('leave out what is no signal known here, and go by a further dimension where there is one', () => {
    expect(splits([row('smoke', 'consistent', 3)])).toEqual([]);
    const bySite = splitsOf([row('tcf', 'consistent', 3, { site: 'b' }), row('tcf', 'consistent', 4, { site: 'a' }), row('gpc', 'consistent', 5, { site: 'a' })],
      'site', (signal, site) => `${site} ${signal}`);
    expect(bySite.map(({ at, name, total }) => [at.site, at.signal, name, total])).toEqual([['b', 'tcf', 'b tcf', 3], ['a', 'tcf', 'a tcf', 4], ['a', 'gpc', 'a gpc', 5]]);
  });

  it('say what is withheld rather than a zero', () => {
    const rows = [row('tcf', 'consistent', 90), row('tcf', 'grants_refused', null), row('tcf', 'invalid', null)];
    const [alone] = splits(rows);
    expect([alone?.total, alone?.parts.grants_refused, alone?.rate.kind]).toEqual([null, null, 'withheld']);
    const [known] = splits(rows, [total('tcf', 100)]);
    expect([known?.total, known && contradictedOf(known), known?.rate.kind]).toEqual([100, null, 'withheld']);
    // What is withheld elsewhere hides no contradiction.
    const [sure] = splits([row('tcf', 'consistent', 90), row('tcf', 'grants_refused', 6), row('tcf', 'invalid', null), row('tcf', 'unreadable', null)], [total('tcf', 100)]);
    expect(sure?.rate).toMatchObject({ kind: 'value', rate: 0.06 });
  });

  it('stand with the worst first, few decisions behind many, and what has no rate last', () => {
    const rows = [row('gpp', 'grants_refused', null), row('gpc', 'denies_granted', 1), row('gpc', 'consistent', 1), row('tcf', 'grants_refused', 400), row('tcf', 'consistent', 600)];
    expect(worstFirst(splits(rows)).map(({ at }) => at.signal)).toEqual(['tcf', 'gpc', 'gpp']);
  });

  it('stand by how far they lie above their own signal', () => {
    const of = (version: string, signal: string, contradicted: number) =>
      [row(signal, 'denies_granted', contradicted, { banner_version: version }), row(signal, 'consistent', 1000 - contradicted, { banner_version: version })];
    const rows = [...of('1', 'gpc', 310), ...of('2', 'gpc', 300), ...of('1', 'tcf', 10), ...of('2', 'tcf', 110)];
    const overall = splits([row('gpc', 'denies_granted', 610), row('gpc', 'consistent', 1390), row('tcf', 'denies_granted', 120), row('tcf', 'consistent', 1880)]);
    const versions = splitsOf(rows, 'banner_version', (signal, version) => `${version} ${signal}`);
    expect(worstFirst(versions, overall)[0]?.name).toBe('2 tcf');
    expect(worstFirst(versions)[0]?.name).toBe('1 gpc');
  });
});

describe('the verdict', () => {
  it('adds signals up, and names the worst', () => {
    expect(verdictOf(splits(ROWS))).toMatchObject({ contradicted: 90, sent: 1050, serious: 60, least: false, worst: { at: { signal: 'gpc' } } });
    expect(verdictOf(splits([row('tcf', 'consistent', 9)]))).toEqual({ contradicted: 0, sent: 9, serious: 0, least: false, worst: null });
    expect(verdictOf([])).toEqual({ contradicted: 0, sent: 0, serious: 0, least: false, worst: null });
  });

  it('is a least where a contradiction is withheld', () => {
    const rows = [row('tcf', 'grants_refused', 60), row('tcf', 'consistent', 40), row('gpc', 'denies_granted', null), row('gpc', 'consistent', 40)];
    expect(verdictOf(splits(rows, [total('tcf', 100), total('gpc', 44)]))).toMatchObject({ contradicted: 60, sent: 144, least: true, worst: { at: { signal: 'tcf' } } });
  });

  it('is compared with the earlier days', () => {
    const then = verdictOf(splits([row('tcf', 'grants_refused', 60), row('tcf', 'consistent', 540)]));
    expect(countChanged(verdictOf(splits(ROWS)), then)).toEqual({ kind: 'count', value: 0.5, then: 60, interval: null });
    expect(countChanged(then, verdictOf([]))).toBeNull();
    expect(countChanged({ ...then, least: true }, then)).toBeNull();
    const rows: Row[] = [{ ...row('tcf', 'consistent', 5), comparison: { dimensions: {}, metrics: { decisions: 7 }, change: {} } }, row('gpc', 'consistent', 3)];
    expect(earlierRows(rows)).toEqual([row('tcf', 'consistent', 7)]);
  });

  it('tells a change of a rate with its interval', () => {
    // Newcombe (1998), method 10, his example (b): 9/10 against 3/10 is 0.6, from 0.1705 to 0.8090.
    const change = rateChanged(rateOf(9, 10), rateOf(3, 10));
    expect(change).toMatchObject({ kind: 'rate', then: 0.3 });
    expect(change?.value).toBeCloseTo(0.6, 12);
    expect(change?.interval?.low).toBeCloseTo(0.1705, 4);
    expect(change?.interval?.high).toBeCloseTo(0.809, 4);
    expect(rateChanged(rateOf(null, 10), rateOf(3, 10))).toBeNull();
    expect(rateChanged(rateOf(9, 10), rateOf(0, 0))).toBeNull();
    expect(rateChanged(rateOf(9, 10), undefined)).toBeNull();
  });
});

describe('TC strings', () => {
  it('are valid where they are neither invalid nor unreadable', () => {
    const [tcf] = splits(ROWS);
    expect(tcf && validity(tcf)).toMatchObject({ parts: { valid: 980, invalid: 15, unreadable: 5 }, rate: { rate: 0.98 } });
    const [withheld] = splits([row('tcf', 'consistent', 90), row('tcf', 'invalid', null)], [total('tcf', 93)]);
    expect(withheld && validity(withheld)).toMatchObject({ parts: { valid: null, invalid: null, unreadable: 0 }, rate: { kind: 'withheld' } });
  });

  it('have a course, in order, with gaps where it is withheld', () => {
    const at = (time: string, finding: string, decisions: number | null) => row('tcf', finding, decisions, { time });
    const over = inTime(splitsOf([at('2026-11-02T00:00:00+01:00', 'grants_refused', null), at('2026-11-01T00:00:00+01:00', 'grants_refused', 1),
      at('2026-11-01T00:00:00+01:00', 'consistent', 3)], 'time', (signal) => signal));
    expect(courseOf('tcf', 'TCF', over, ({ rate }) => rate).points).toEqual([
      { instant: Date.parse('2026-11-01T00:00:00+01:00'), wall: '2026-11-01T00:00:00', value: 0.25 },
      { instant: Date.parse('2026-11-02T00:00:00+01:00'), wall: '2026-11-02T00:00:00', value: null },
    ]);
  });
});

describe('choices with GPC and without', () => {
  const made = (decisions: number | null, accept_all: number | null, reject_all: number | null, custom: number | null): Row => (
    { dimensions: {}, metrics: { decisions, accept_all, reject_all, custom } });
  const names = (gpc: boolean) => (gpc ? 'with' : 'without');

  it('are those that carried it, and the rest of all', () => {
    expect(choices(made(100, 60, 20, 15), made(10, 2, 6, 1), names)).toMatchObject([
      { at: { gpc: 'yes' }, name: 'with', total: 10, parts: { accept_all: 2, custom: 1, reject_all: 6, dismissed: 1 }, rate: { rate: 0.2 } },
      { at: { gpc: 'no' }, name: 'without', total: 90, parts: { accept_all: 58, custom: 14, reject_all: 14, dismissed: 4 }, rate: { denominator: 90 } },
    ]);
  });

  it('withhold the rest with what it would tell', () => {
    const [sent, rest] = choices(made(100, 60, 20, 15), made(null, null, null, null), names);
    expect([sent?.total, rest?.total, rest?.parts.accept_all, rest?.rate.kind]).toEqual([null, null, null, 'withheld']);
    expect(choices(made(100, 60, 20, 15), undefined, names)[0]).toMatchObject({ total: 0, rate: { kind: 'none' } });
  });
});

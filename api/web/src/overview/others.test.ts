import { describe, expect, it } from 'vitest';
import { OTHERS } from './others';

const rates = (metrics: Record<string, number | null>) => Object.fromEntries(OTHERS.map(({ key, of }) => [key, of(metrics)]));

describe('other tools’ rates', () => {
  it('are their definitions over our counts', () => {
    expect(rates({ shown: 200, decisions: 100, opted_in: 60, accept_all: 45, reject_all: 30, custom: 15 })).toEqual({
      didomi_consent: 0.6, didomi_opt_in: 0.3, usercentrics_accept: 0.5, usercentrics_interaction: 0.45, osano_opt_out: 0.4,
    });
  });

  it('are nothing where a count is withheld or nothing happened', () => {
    expect(new Set(Object.values(rates({ shown: null, decisions: null, opted_in: null, accept_all: 4, reject_all: null, custom: 1 })))).toEqual(new Set([null]));
    expect(new Set(Object.values(rates({ shown: 0, decisions: 0, opted_in: 0, accept_all: 0, reject_all: 0, custom: 0 })))).toEqual(new Set([null]));
  });
});

// Against the server's own words.
import { describe, expect, it } from 'vitest';
import { isStated, NOT_STATED, stated } from './stated';

const [brief] = Object.values(import.meta.glob<string>('../../../../schemas/src/catalog/brief.rs', { query: '?raw', import: 'default', eager: true }));

describe('what the server puts where nothing is stated', () => {
  it('is known in every language', () => {
    expect(Object.keys(NOT_STATED).sort()).toEqual(['de', 'en', 'es', 'fr']);
    for (const [code, text] of Object.entries(NOT_STATED)) expect(brief, code).toContain(`"${code}": "${text}"`);
  });

  it('states nothing, alone or before the rule that applies then', () => {
    for (const text of Object.values(NOT_STATED)) {
      expect(stated(text)).toBeNull();
      expect(isStated(`${text} Art. 5(3)`)).toBe(false);
    }
    expect([stated(''), stated(null), stated('Not stated in the contract.')]).toEqual([null, null, 'Not stated in the contract.']);
  });
});

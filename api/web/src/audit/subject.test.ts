import { describe, expect, it } from 'vitest';
import { readSubject } from './subject';

describe('a subject', () => {
  it('is read with what stands and what happened', () => {
    const subject = readSubject({
      at: '2026-11-24T12:00:00Z',
      services: { chaport: { state: 'granted', since: '2026-11-01T00:00:00Z', expires_at: '2027-05-01T00:00:00Z', expired: false } },
      categories: { marketing: 'denied', statistics: true },
      history: [{
        id: 'a', type: 'decided', method: 'save', occurred_at: '2026-11-01T00:00:00Z',
        categories: { preferences: true, marketing: false }, services: { crisp: false },
        banner: { version: '2026-11-01', language: 'de' },
      }],
    });
    expect(subject.services).toEqual([
      { name: 'chaport', state: 'granted', since: '2026-11-01T00:00:00Z', expiresAt: '2027-05-01T00:00:00Z', expired: false }]);
    expect(subject.categories.map(({ name, state }) => [name, state])).toEqual([['marketing', 'denied'], ['statistics', 'granted']]);
    expect(subject.history[0]).toMatchObject({ granted: ['preferences'], denied: ['marketing', 'crisp'], banner: ['2026-11-01', 'de'] });
  });

  it('may have nothing', () => {
    expect(readSubject({})).toEqual({ at: null, categories: [], services: [], purposes: [], history: [] });
  });
});

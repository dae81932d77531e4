import { describe, expect, it } from 'vitest';
import { readSubject, type SubjectAnswer } from './subject';

const since = '2026-11-01T00:00:00.000Z';
const event = { id: 'a', occurred_at: since, banner_version: '2026-11-01', language: 'de', variant: '', purposes: {} };

describe('a subject', () => {
  const answer: SubjectAnswer = {
    subject: '5b0c6a5e-6a0c-4e0e-a8f2-7a0f5f6d1c22', site: 'shop.example', at: '2026-11-24T12:00:00.000Z', truncated: false,
    services: { chaport: { category: 'preferences', state: 'granted', disclosure: 'named', since, expires_at: '2027-05-01T00:00:00.000Z', expired: false } },
    categories: {}, purposes: {},
    history: [
      {
        ...event, type: 'decided', method: 'save', categories: { preferences: true, marketing: false },
        choices: [
          { service: 'chaport', category: 'preferences', state: 'granted', disclosure: 'named' },
          { service: 'crisp', category: 'preferences', state: 'granted', disclosure: 'unproven' },
          { service: 'ads', category: 'marketing', state: 'undecided', disclosure: '' },
        ],
      },
      { ...event, id: 'b', type: 'withdrawn', method: '', categories: { preferences: false }, choices: [{ service: 'chaport', category: 'preferences', state: 'withdrawn', disclosure: 'named' }] },
    ],
  };
  const subject = readSubject(answer);

  it('is read with what stands', () => {
    expect(subject.services).toEqual([{ name: 'chaport', state: 'granted', since, expiresAt: '2027-05-01T00:00:00.000Z', expired: false }]);
  });

  it('is read with what happened, newest first, undecided things left out', () => {
    expect(subject.history.map((entry) => entry.states)).toEqual([
      [['withdrawn', ['preferences', 'chaport']]],
      [['granted', ['preferences', 'chaport', 'crisp']], ['denied', ['marketing']]],
    ]);
    expect(subject.history[1]).toMatchObject({ unproven: ['crisp'], banner: ['2026-11-01', 'de'] });
  });
});

import { describe, expect, it } from 'vitest';
import type { Alert } from '../api/types';
import { sentence } from './words';

const alert = (rule: Alert['rule'], seen: object, expected: object): Alert => ({
  id: '0', rule, site: 'shop.example', about: null, since: '2026-11-24T10:15:00.000Z', opened_at: '2026-11-24T12:15:00.000Z',
  closed_at: null, seen: { ...seen }, expected: { ...expected }, acknowledged: null,
});

describe('an alert says', () => {
  it('by how much a rate is off', () => {
    const off = alert('consent_rate', { consent_rate: 0.4, low: 0.37, high: 0.43, decisions: 1000 }, { low: 0.57, high: 0.63 });
    expect(sentence(off, 'en', 'UTC')).toBe('40.0% (37.0–43.0%) over 1,000 decisions; usual is 57.0–63.0%.');
  });

  it('since when nothing comes', () => {
    const poisson = alert('ingestion_silent', {}, { method: 'same_window_poisson', events: 109.5 });
    expect(sentence(poisson, 'en', 'UTC')).toBe('No event since 24 Nov 2026, 10:15; about 110 were to be expected.');
    const clear = alert('ingestion_silent', {}, { method: 'none_for_long', daily: 1200 });
    expect(sentence(clear, 'en', 'UTC')).toContain('1,200 events a day');
  });

  it('what was seen before consent', () => {
    const first = alert('before_consent', { sightings: 3 }, { method: 'first_in_four_weeks' });
    expect(sentence(first, 'en', 'UTC')).toBe('Sightings within 24 hours: 3; none in the four weeks before.');
  });
});

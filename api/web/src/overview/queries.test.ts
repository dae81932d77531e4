import { describe, expect, it } from 'vitest';
import type { Row } from '../api/types';
import { chooseRegime, regimes, scopeOf } from '../numbers/ask';
import { parseView } from '../view/state';
import { asking, questions } from './queries';

const view = (search: string) => parseView(new URLSearchParams(search));
const now = new Date('2026-11-24T12:00:00Z');
const asked = (search: string) => questions(view(search), scopeOf(view(search), 'UTC', now));
const row = (regime: string, shown: number): Row => ({ dimensions: { regime }, metrics: { shown } });

describe('the overview’s questions', () => {
  it('are of one regime', () => {
    for (const query of Object.values(asked(''))) expect(query.filters).toContainEqual(['is', 'regime', ['opt_in']]);
  });

  it('leave bots out of every one of them, and keep to the filters', () => {
    for (const query of Object.values(asked('bots=without&filter=country:is:FR,DE'))) {
      expect(query.filters).toContainEqual(['is_not', 'bot', ['yes']]);
      expect(query.filters).toContainEqual(['is', 'country', ['FR', 'DE']]);
    }
  });

  it('draw the rate of the service in focus, with pairs as its denominator', () => {
    const { time, service } = asked('service=chaport');
    expect(time.dimensions).toEqual(['time', 'service']);
    expect(time.filters).toContainEqual(['is', 'service', ['chaport']]);
    expect(service.filters).not.toContainEqual(['is', 'service', ['chaport']]);
  });

  it('are one for both lines, unless one of them has a focus', () => {
    const { time, choices } = asked('');
    expect(choices).toBe(time);
    expect(asked('service=chaport').choices.dimensions).toEqual(['time']);
  });

  it('never ask for categories alone under a filter on services, which the server refuses', () => {
    expect(asked('').category.dimensions).toEqual(['category']);
    expect(asked('filter=service:is_not:chaport').category.dimensions).toEqual(['category', 'service']);
  });

  it('name sites only where some are chosen, and an interval only over time', () => {
    expect(asked('').site).not.toHaveProperty('sites');
    expect(asked('site=a.example').site.sites).toEqual(['a.example']);
    expect(asked('').site).not.toHaveProperty('interval');
    expect(asked('').time.interval).toBe('day');
    expect(asked('').time.date_range).toEqual(['2026-10-28', '2026-11-24']);
  });

  it('are those that `make bench` measures', async () => {
    const plain = view('');
    const { choices: _, ...rest } = asked('');
    const all = { regimes: regimes(plain, scopeOf(plain, 'UTC', now), asking(plain)), ...rest };
    await expect(`${JSON.stringify(all, null, 2)}\n`).toMatchFileSnapshot('../../../../tests/bench/latency/overview.json');
  });
});

describe('the regime that is shown', () => {
  it('is opt-in, unless there is none', () => {
    expect(chooseRegime([])).toBe('opt_in');
    expect(chooseRegime([row('opt_out', 100), row('opt_in', 1)])).toBe('opt_in');
    expect(chooseRegime([row('notice', 10), row('opt_out', 100)])).toBe('opt_out');
  });
});

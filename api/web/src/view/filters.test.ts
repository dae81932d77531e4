import { describe, expect, it } from 'vitest';
import type { Filter } from '../api/types';
import { parseFilters, withFilter, writeFilter } from './filters';

describe('filters in the address', () => {
  it('survive the way there and back, whatever their values hold', () => {
    const filters: Filter[] = [
      ['is', 'country', ['FR', 'DE']], ['is_not', 'banner_version', ['a,b:c', '100%']], ['contains', 'service', ['chap']],
    ];
    expect(filters.map(writeFilter)).toEqual(['country:is:FR,DE', 'banner_version:is_not:a%2Cb%3Ac,100%25', 'service:contains:chap']);
    expect(parseFilters(filters.map(writeFilter))).toEqual(filters);
  });

  it('are left out where they make no sense', () => {
    expect(parseFilters(['country', 'country:is:', 'mood:is:good', 'country:like:FR', 'country:is:,', 'bot:is:yes', ''])).toEqual([]);
    expect(parseFilters(['country:is:FR', 'country:is:DE', 'country:is_not:US'])).toEqual(
      [['is', 'country', ['FR']], ['is_not', 'country', ['US']]]);
    expect(parseFilters(['country:is:%E0%A4%A'])).toEqual([['is', 'country', ['%E0%A4%A']]]);
  });

  it('of one dimension and operator are one', () => {
    expect(withFilter([['is', 'country', ['FR']]], ['is', 'country', ['DE', 'FR']])).toEqual([['is', 'country', ['FR', 'DE']]]);
    expect(withFilter([['is', 'country', ['FR']]], ['is', 'device', ['mobile']])).toHaveLength(2);
  });
});

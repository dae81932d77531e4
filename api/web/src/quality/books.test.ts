import { describe, expect, it } from 'vitest';
import { booksCsv } from './books';

describe('the books as CSV', () => {
  it('have the API’s names and every number', () => {
    const books = { site: 'shop.example', read: 12, stored: 10, repeats: 1, dead_letters: 1, rows: { events: 9, controls: 1, erased: 0 }, balanced: true, unknown_text_hash: 3, logged_to: null };
    expect(booksCsv([books, { ...books, site: null }]).split('\r\n')).toEqual([
      'site,read,stored,repeats,dead_letters,unknown_text_hash,rows_events,rows_controls,rows_erased,balanced,logged_to',
      'shop.example,12,10,1,1,3,9,1,0,true,', ',12,10,1,1,3,9,1,0,true,', '',
    ]);
  });
});

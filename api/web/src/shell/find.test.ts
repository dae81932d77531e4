import { describe, expect, it } from 'vitest';
import { found } from './find';

const of = (name: string, also = '') => ({ href: `/${name}`, name, kind: '', also });
const names = (text: string) => found([of('Overview'), of('Chaport', 'chaport'), of('Acquire Live Chat', 'acquire-live-chat'), of('Équité'), of('11Sight', '11sight'), of('Rocket.Chat')], text).map(({ name }) => name);

describe('finding', () => {
  it('puts names that begin so before words that do, and those before the rest', () => {
    expect(names('cha')).toEqual(['Chaport', 'Acquire Live Chat', 'Rocket.Chat']);
    expect(names('view')).toEqual(['Overview']);
    expect(names('sight')).toEqual(['11Sight']);
  });

  it('knows neither case nor accents, and finds everything for nothing', () => {
    expect(names('EQUITE')).toEqual(['Équité']);
    expect(names('')).toHaveLength(6);
    expect(names('xyz')).toEqual([]);
  });
});

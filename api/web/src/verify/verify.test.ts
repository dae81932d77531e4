// How a verdict is put before a reader.
import { describe, expect, it, vi } from 'vitest';

vi.mock('virtual:verifier', () => ({ default: '' }));
vi.mock('./worker?worker&inline', () => ({ default: class {} }));
const { worstFirst } = await import('./judge');
const { means, title, verdict } = await import('./words');

const claim = (name: string, verdict: 'holds' | 'fails' | 'open') => ({ name, verdict, text: '' });

describe('claims', () => {
  it('come with what fails first', () => {
    const claims = [claim('files', 'holds'), claim('signer', 'open'), claim('tree', 'fails'), claim('records', 'fails')];
    expect(worstFirst(claims).map(({ name }) => name)).toEqual(['tree', 'records', 'signer', 'files']);
  });

  it('are in words, and by their name where they are not known', () => {
    expect(title(claim('operator log', 'holds'))).toBe('One log above all');
    expect(verdict(claim('operator log', 'open'))).toBe('Open');
    expect([title(claim('moon phase', 'holds')), means(claim('moon phase', 'holds'))]).toEqual(['moon phase', '']);
  });
});

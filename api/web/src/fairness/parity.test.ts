import { describe, expect, it } from 'vitest';
import type { Row } from '../api/types';
import { parityOf } from './parity';

const row = (method: string, seconds: number | null): Row => ({ dimensions: { method }, metrics: { median_seconds_to_decide: seconds } });

describe('parity', () => {
  it('is the time to refuse against the time to accept', () => {
    expect(parityOf([row('accept_all', 4), row('reject_all', 6)])).toEqual({ accept: 4, reject: 6, longer: 0.5, verdict: 'slower' });
    expect(parityOf([row('accept_all', 10), row('reject_all', 10.5)])?.verdict).toBe('even');
    expect(parityOf([row('accept_all', 10), row('reject_all', 5)])?.verdict).toBe('quicker');
  });

  it('is nothing without both', () => {
    expect(parityOf([row('accept_all', 4)])).toBeNull();
    expect(parityOf([row('accept_all', 4), row('reject_all', null)])).toBeNull();
  });
});

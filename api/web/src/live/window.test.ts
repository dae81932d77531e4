import { describe, expect, it } from 'vitest';
import type { LiveCounts } from '../api/types';
import { EventParser } from '../api/stream';
import { LiveWindow } from './window';

const counts = (shown: number, decisions: number): LiveCounts => ({
  site: 'shop.example', time: '2026-11-24T10:00:00Z', shown, decisions, granted: decisions, denied: 0, withdrawals: 0,
  by_type: { shown, decided: decisions },
});

describe('the last minute', () => {
  it('adds up within it and forgets what is older', () => {
    const window = new LiveWindow();
    window.add(counts(3, 1), 1_000_000);
    window.add(counts(2, 2), 1_000_400);
    window.add(counts(1, 0), 1_030_000);
    expect(window.totals(1_030_000)).toMatchObject({ events: 9, shown: 6, decisions: 3, granted: 3 });
    expect(window.totals(1_060_000)).toMatchObject({ events: 1, shown: 1, decisions: 0 });
    expect(window.totals(1_090_000).events).toBe(0);
  });

  it('has sixty seconds, the newest last', () => {
    const window = new LiveWindow();
    window.add(counts(3, 1), 1_000_000);
    window.add(counts(1, 0), 1_001_000);
    const bars = window.perSecond(1_001_000);
    expect(bars).toHaveLength(60);
    expect(bars.slice(-3)).toEqual([0, 4, 1]);
  });
});

describe('the event stream', () => {
  it('is read in whatever pieces it arrives', () => {
    const text = ': hello\n\nevent: counts\ndata: {"a":\ndata: 1}\n\ndata: x\r\n\r\nid: 7\nevent: lost\n\n';
    for (const size of [1, 2, 3, 7, text.length]) {
      const parser = new EventParser();
      const found = [];
      for (let at = 0; at < text.length; at += size) found.push(...parser.push(text.slice(at, at + size)));
      expect(found).toEqual([{ event: 'counts', data: '{"a":\n1}' }, { event: 'message', data: 'x' }]);
    }
  });
});

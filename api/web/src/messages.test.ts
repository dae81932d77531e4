// Every message is there in all four languages, with the same parameters, and none is there for nothing.
import { describe, expect, it } from 'vitest';
import de from '../messages/de.json';
import en from '../messages/en.json';
import es from '../messages/es.json';
import fr from '../messages/fr.json';

const languages: Record<string, Record<string, string>> = { en, fr, de, es };
const keys = Object.keys(en).filter((key) => key !== '$schema').sort();
const parameters = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

describe.each(Object.keys(languages))('messages in %s', (code) => {
  const messages = languages[code] ?? {};

  it('are complete', () => {
    expect(Object.keys(messages).filter((key) => key !== '$schema').sort()).toEqual(keys);
    for (const key of keys) expect(messages[key]?.trim(), key).not.toBe('');
  });

  it('take the same parameters', () => {
    for (const key of keys) expect(parameters(messages[key] ?? ''), key).toEqual(parameters(en[key as keyof typeof en]));
  });
});

describe('messages', () => {
  const sources = import.meta.glob<string>(['./**/*.svelte', './**/*.ts', '!./paraglide/**', '!./**/*.test.ts'], {
    query: '?raw', import: 'default', eager: true,
  });
  const used = new Set(Object.values(sources).flatMap((source) => [...source.matchAll(/\bm\.(\w+)/g)].map((match) => match[1])));

  it('are all used', () => {
    expect(keys.filter((key) => !used.has(key))).toEqual([]);
  });
});

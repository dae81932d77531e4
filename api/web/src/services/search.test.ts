// Over the entries that are shipped, in English.
import { describe, expect, it } from 'vitest';
import type { Entry } from '../api/entry';
import type { ServiceSummary } from '../api/types';
import { hostOf, listed, search, type Listed, type Wanted } from './search';

type Written = Omit<Entry, 'summary'> & { summary: { en: string } };

const files = import.meta.glob<Written>('../../../../schemas/catalog/*.json', { import: 'default', eager: true });
const all: Listed[] = Object.values(files).map((file) => {
  const { slug, name, category, group, tags, risk_level, eprivacy } = file;
  const summary: ServiceSummary = {
    slug, name, category, group, tags, risk_level, eprivacy, summary: file.summary.en, operator: file.operator?.name ?? null,
    origin: slug === 'ada' ? 'operator' : 'avow', cookies: file.cookies ?? [], domains: file.domains ?? [],
  };
  return listed(summary, category === 'preferences' ? 'Präferenzen customer support' : 'Necessary');
});
const ANY: Wanted = { text: '', category: null, risk: null, eprivacy: null, origin: null };
const found = (text: string, wanted: Partial<Wanted> = {}, among = all) => search(among, { ...ANY, text, ...wanted });
const slugs = (text: string, wanted: Partial<Wanted> = {}) => found(text, wanted).map(({ listed }) => listed.summary.slug);
const first = (text: string) => { const [hit] = found(text); return [hit?.listed.summary.slug, hit?.trace?.kind, hit?.trace?.name]; };

describe('searching the catalogue', () => {
  it('finds all of it, by name, for nothing', () => {
    expect(slugs('  ')).toHaveLength(all.length);
    expect(found('').map(({ listed }) => listed.summary.name)).toEqual(all.map(({ summary }) => summary.name).sort((a, b) => a.localeCompare(b)));
  });

  it('goes from every cookie and every domain of an entry to that entry', () => {
    for (const { summary } of all) {
      for (const { name } of summary.cookies) expect(slugs(name.replaceAll('*', 'f00-1')), name).toContain(summary.slug);
      for (const domain of summary.domains) expect(slugs(`cdn7.${domain}`)[0], domain).toBe(summary.slug);
    }
  });

  it('takes a cookie as the browser shows it', () => {
    expect(slugs('chaport_uid')).toEqual(['chaport']);
    expect(first('chaport_uid')).toEqual(['chaport', 'cookie', 'chaport_uid']);
    expect(first('CHAPORT_UID=abc; Path=/')).toEqual(['chaport', 'cookie', 'chaport_uid']);
    expect(first('cw_user_8fGh2')).toEqual(['chatwoot', 'cookie', 'cw_user_*']);
    expect(first('cw_user_*')).toEqual(['chatwoot', 'cookie', 'cw_user_*']);
    expect(first('crisp-client%2Fsession%2F0b1d')).toEqual(['crisp', 'cookie', 'crisp-client%2Fsession%2F*']);
    expect(slugs('cw_user_')).toEqual(['chatwoot']);
  });

  it('takes a host as the network log shows it, and names the closest domain', () => {
    expect(first('app.chaport.com')).toEqual(['chaport', 'domain', 'app.chaport.com']);
    expect(first('eu1.app.chaport.com:443')).toEqual(['chaport', 'domain', 'app.chaport.com']);
    expect(first('wss://client.relay.crisp.chat/w/b1/?EIO=4')).toEqual(['crisp', 'domain', 'crisp.chat']);
    expect(slugs('notchaport.com')).toEqual([]);
    expect(slugs('chaport.com.evil.example')).toEqual([]);
  });

  it('takes parts of names, vendors, categories and groups, in any order, without case and accents', () => {
    expect(slugs('live acquire')).toEqual(['acquire-live-chat']);
    expect(slugs('tagove')).toEqual(['acquire-live-chat']);
    expect(slugs('necessary')).toEqual(['flowconsent']);
    expect(slugs('PRAFERENZEN 8x8')).toEqual(['8x8']);
    expect(slugs('no such service')).toEqual([]);
  });

  it('puts what is called so before what only holds it', () => {
    expect(slugs('chat')[0]).toBe('chatwoot');
    expect(slugs('ada')[0]).toBe('ada');
  });

  it('narrows by category, risk, rule and origin', () => {
    expect(slugs('', { category: 'necessary' })).toEqual(['flowconsent']);
    expect(slugs('', { risk: 'low', category: 'preferences' })).toEqual(['chatwoot', 'rocket-chat']);
    expect(slugs('', { eprivacy: 'conditional' })).toEqual(['crisp', 'userlike']);
    expect(slugs('', { origin: 'operator' })).toEqual(['ada']);
    expect(slugs('chaport_uid', { eprivacy: 'exempt' })).toEqual([]);
  });

  it('finds one among two thousand', () => {
    const many = Array.from({ length: 2_000 }, (_, i) => {
      const [one] = all.filter(({ summary }) => summary.slug === 'chaport');
      return listed({ ...one!.summary, slug: `v-${i}`, name: `Vendor ${i}`, cookies: [{ name: `v${i}_*`, match: 'pattern' }], domains: [`v${i}.example`] }, 'Marketing');
    });
    expect(found('v1999_x', {}, many).map(({ listed: { summary } }) => summary.slug)).toEqual(['v-1999']);
    expect(found('a.v7.example', {}, many)).toHaveLength(1);
  });
});

describe('the host of what was typed', () => {
  it.each([
    ['https://User.example/path', 'user.example'], ['//cdn.example', 'cdn.example'], ['.example.org', 'example.org'],
    ['a.example:8443', 'a.example'], ['a.example.', 'a.example'], ['chaport', 'chaport'], ['', ''],
  ])('of %s is %s', (text, host) => expect(hostOf(text)).toBe(host));
});

// From an entry to the form and back, over the entries that are shipped.
import { describe, expect, it } from 'vitest';
import type { KeptEntry } from '../api/entry';
import { codeOf, cookieRow, draftOf, entryOf, written } from './draft';
import { NOT_STATED } from './stated';

const files = import.meta.glob<KeptEntry & { $schema?: string }>('../../../../schemas/catalog/*.json', { import: 'default', eager: true });
const entries: KeptEntry[] = Object.values(files).map(({ $schema: _, ...entry }) => entry);
const chaport = entries.find(({ slug }) => slug === 'chaport')!;
const without = ({ unknown: _, origin: __, in_force_from: ___, ...rest }: KeptEntry) => rest;

describe('an entry through the form', () => {
  it.each(['en', 'de'])('comes back as it was, in %s', (language) => {
    for (const entry of entries) expect(entryOf(draftOf(entry, language), entry, language), entry.slug).toEqual(without(entry));
  });

  it('keeps the texts of other languages', () => {
    const draft = draftOf(chaport, 'de');
    draft.summary = 'Ein Chat.';
    draft.cookies[1]!.purpose = 'Erkennt wieder.';
    const next = entryOf(draft, chaport, 'de');
    expect(next.summary).toEqual({ ...chaport.summary, de: 'Ein Chat.' });
    expect(next.cookies?.[1]).toEqual({ ...chaport.cookies![1], purpose: { ...chaport.cookies![1]!.purpose, de: 'Erkennt wieder.' } });
  });

  it('sends of a new one what is stated, and nothing else', () => {
    const draft = { ...draftOf(null, 'fr'), name: ' Helpdesk ', slug: 'helpdesk', group: 'Support Client', consentText: 'Avec votre accord.', domains: 'Chat.Example\n\n' };
    draft.cookies = [{ ...cookieRow(null, 'fr', 'statistics'), name: 'hd_*', lifetime: 'P_M', amount: '06' }, cookieRow(null, 'fr')];
    expect(entryOf(draft, null, 'fr')).toEqual({
      name: 'Helpdesk', slug: 'helpdesk', category: 'preferences', group: 'support-client', eprivacy: 'consent', risk_level: 'unknown',
      consent_text: { fr: 'Avec votre accord.', en: 'Avec votre accord.' }, domains: ['chat.example'],
      cookies: [{ name: 'hd_*', match: 'pattern', type: 'statistics', duration: 'P6M', eprivacy: 'consent' }],
    });
  });

  it('tells none from not known', () => {
    expect(entryOf(draftOf({ ...chaport, cookies: [] }, 'en'), chaport, 'en').cookies).toEqual([]);
    expect(entryOf({ ...draftOf(chaport, 'en'), cookies: [] }, chaport, 'en').cookies).toBeUndefined();
  });

  it('takes no note on one basis along to another', () => {
    expect(entryOf({ ...draftOf(chaport, 'en'), basis: 'contract' }, chaport, 'en').legal_basis)
      .toEqual({ gdpr_basis: 'contract', article: 'Art. 6(1)(b) GDPR', note: NOT_STATED, others: chaport.legal_basis!.others });
    expect(entryOf({ ...draftOf(chaport, 'en'), basis: 'unknown' }, chaport, 'en').legal_basis).toBeUndefined();
  });
});

describe('a text', () => {
  it.each([
    ['is taken for English until there is some', 'Neu', undefined, 'de', { de: 'Neu', en: 'Neu' }],
    ['goes on being taken for English', 'Neuer', { de: 'Neu', en: 'Neu' }, 'de', { de: 'Neuer', en: 'Neuer' }],
    ['leaves English of its own alone', 'Neu', { en: 'New' }, 'de', { en: 'New', de: 'Neu' }],
    ['stays where it was not touched', 'New', { en: 'New', fr: 'Nouveau' }, 'de', { en: 'New', fr: 'Nouveau' }],
    ['is gone where it is emptied', '', { en: 'New', fr: 'Nouveau' }, 'en', undefined],
    ['goes in one language', '', { en: 'New', de: 'Neu' }, 'de', { en: 'New' }],
    ['that states nothing is none', '', NOT_STATED, 'es', undefined],
    ['takes the place of one that states nothing', 'Nuevo', NOT_STATED, 'es', { es: 'Nuevo', en: 'Nuevo' }],
  ])('%s', (_, value, before, language, after) => expect(written(value, before, language)).toEqual(after));
});

describe('a code', () => {
  it.each([['Web Analytics', 'web-analytics'], ['  Écoute & Co. ', 'ecoute-co'], ['8x8', '8x8'], ['_x', 'x'], ['', '']])(
    'of %s is %s', (text, code) => expect(codeOf(text)).toBe(code));
});

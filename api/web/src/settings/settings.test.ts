import { describe, expect, it } from 'vitest';
import type { Site } from '../api/types';
import { draftOf, newRow, siteOf } from './draft';
import { snippetFor } from './snippet';

describe('the site form', () => {
  const site: Site = {
    site: 'shop.example', name: 'Shop', timezone: 'Europe/Paris', services: { chaport: 'preferences' },
    origins: ['https://shop.example'], validity_days: { granted: 90, refused: 30 },
  };

  it('sends back what it does not show', () => {
    expect(siteOf(draftOf(site), site)).toEqual({ ...site, dismiss_means: 'refusal', page_templates: [] });
  });

  it('drops empty lines and rows', () => {
    const draft = { ...draftOf(site), origins: ' https://a.example \n\nhttps://b.example', services: [newRow('chaport'), newRow('  ')] };
    expect(siteOf(draft, site)).toMatchObject({ origins: ['https://a.example', 'https://b.example'], services: { chaport: 'preferences' } });
  });
});

describe('the snippet', () => {
  it('names server and site, and cannot be broken out of', () => {
    expect(snippetFor('https://avow.example', 'shop.example')).toBe(
      '<script src="https://avow.example/beacon.js" data-site="shop.example" defer></script>');
    expect(snippetFor('https://avow.example', 'a"><b')).toContain('data-site="a&quot;>&lt;b"');
  });
});

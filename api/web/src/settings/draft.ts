// A site as the form holds it: lists as lines of text, the mapping of services as rows, so that a half-typed row is no
// error while it is being typed.
import type { ObserveMode, Site } from '../api/types';

export interface ServiceRow {
  key: number;
  slug: string;
  category: string;
}

export interface Draft {
  site: string;
  name: string;
  timezone: string;
  dismissMeans: 'refusal' | 'no_choice';
  origins: string;
  pageTemplates: string;
  services: ServiceRow[];
  observe: ObserveMode;
  /** On what observing visitors rests. */
  legalBasis: string;
}

let lastKey = 0;

export function newRow(slug = '', category = 'preferences'): ServiceRow {
  lastKey += 1;
  return { key: lastKey, slug, category };
}

export function draftOf(site: Site | null): Draft {
  return {
    site: site?.site ?? '',
    name: site?.name ?? '',
    timezone: site?.timezone ?? 'UTC',
    dismissMeans: site?.dismiss_means ?? 'refusal',
    origins: (site?.origins ?? []).join('\n'),
    pageTemplates: (site?.page_templates ?? []).join('\n'),
    services: Object.entries(site?.services ?? {}).map(([slug, category]) => newRow(slug, category)),
    observe: site?.observe?.mode ?? 'off',
    legalBasis: site?.observe?.legal_basis ?? '',
  };
}

const lines = (text: string) => text.split('\n').map((line) => line.trim()).filter((line) => line !== '');

/** What is to be saved; settings that the form does not show stay as `before` has them. */
export function siteOf(draft: Draft, before: Site | null): Site {
  return {
    ...before,
    site: draft.site.trim(),
    name: draft.name.trim(),
    timezone: draft.timezone,
    dismiss_means: draft.dismissMeans,
    origins: lines(draft.origins),
    page_templates: lines(draft.pageTemplates),
    services: Object.fromEntries(
      draft.services.filter(({ slug }) => slug.trim() !== '').map(({ slug, category }) => [slug.trim(), category.trim() || 'unknown'])),
    ...(draft.observe === 'off' && !before?.observe ? {} : { observe: { mode: draft.observe, legal_basis: draft.legalBasis.trim() } }),
  };
}

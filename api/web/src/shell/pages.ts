// The pages, in groups, and what they are called.
import { PAGES, type Page } from '../app/route.svelte';
import { m } from '../paraglide/messages.js';

const NAMES: Record<Page, () => string> = {
  '/': m.nav_overview,
  '/segments': m.nav_segments,
  '/sites': m.nav_sites,
  '/services': m.nav_services,
  '/experiments': m.nav_experiments,
  '/fairness': m.nav_fairness,
  '/promise': m.nav_promise,
  '/signals': m.nav_signals,
  '/bridge': m.nav_bridge,
  '/live': m.nav_live,
  '/alerts': m.nav_alerts,
  '/audit': m.nav_audit,
  '/quality': m.nav_quality,
  '/settings': m.nav_settings,
  '/docs': m.nav_docs,
};

interface Group {
  name: () => string;
  pages: Page[];
  /** Its pages are of the same view: period, sites and filters go along. */
  numbers: boolean;
}

export const NAVIGATION: Group[] = [
  { name: m.nav_group_numbers, pages: ['/', '/segments', '/sites', '/services', '/experiments', '/fairness', '/promise', '/signals', '/bridge'], numbers: true },
  { name: m.nav_group_evidence, pages: ['/live', '/alerts', '/audit', '/quality'], numbers: false },
  { name: m.nav_group_about, pages: ['/settings', '/docs'], numbers: false },
];

export function pageTitle(path: string): string {
  const page = PAGES.find((known) => known === path);
  return page ? NAMES[page]() : m.not_found_title();
}

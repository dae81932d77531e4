// The pages and what they are called.
import { PAGES, type Page } from '../app/route.svelte';
import { m } from '../paraglide/messages.js';

const NAMES: Record<Page, () => string> = {
  '/': m.nav_overview,
  '/services': m.nav_services,
  '/live': m.nav_live,
  '/alerts': m.nav_alerts,
  '/audit': m.nav_audit,
  '/settings': m.nav_settings,
  '/docs': m.nav_docs,
};

export const NAVIGATION = Object.keys(NAMES) as Page[];

export function pageTitle(path: string): string {
  const page = PAGES.find((known) => known === path);
  return page ? NAMES[page]() : m.not_found_title();
}

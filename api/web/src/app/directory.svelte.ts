// Who the reader is, and names for what the numbers are about: the sites that the token may see and the services of the
// catalogue. Loaded once
// per session; a page that changes sites asks for them again.
import type { Client } from '../api/client';
import { asProblem } from '../api/problem';
import type { Me, Scope, ServiceSummary, Site } from '../api/types';
import { session } from './session.svelte';

class Directory {
  me = $state.raw<Me | null>(null);
  sites = $state.raw<Site[]>([]);
  services = $state.raw<ServiceSummary[]>([]);
  /**
   * Whether reader and sites have been asked for, successfully or not: numbers depend on the sites' zones. Services are
   * only names, which may come later: without them the page shows identifiers.
   */
  ready = $state(false);

  private of: Client | null = null;
  private readonly siteNames = $derived(new Map(this.sites.map((site) => [site.site, site.name])));
  private readonly serviceNames = $derived(new Map(this.services.map((service) => [service.slug, service.name])));

  /** Asks for all of it, once per client. */
  async load(client: Client, language: string): Promise<void> {
    if (this.of === client) return;
    this.of = client;
    this.ready = false;
    const named = this.name(client, language);
    const [me, sites] = await Promise.allSettled([session.known ?? client.me(), client.sites()]);
    if (session.client !== client) return;
    for (const outcome of [me, sites]) {
      if (outcome.status === 'rejected') session.notice(asProblem(outcome.reason));
    }
    this.me = me.status === 'fulfilled' ? me.value : null;
    this.sites = sites.status === 'fulfilled' ? sites.value : [];
    this.ready = true;
    await named;
  }

  private async name(client: Client, language: string): Promise<void> {
    try {
      const services = await client.services(language);
      if (session.client === client) this.services = services;
    } catch (thrown) {
      if (session.client === client) {
        this.services = [];
        session.notice(asProblem(thrown));
      }
    }
  }

  async reloadServices(client: Client, language: string): Promise<void> {
    this.services = await client.services(language);
  }

  async reloadSites(client: Client): Promise<void> {
    this.sites = await client.sites();
  }

  /** Whether the token may; while that is not known, the server will say. */
  may(scope: Scope): boolean {
    return this.me === null || this.me.scopes.includes(scope);
  }

  siteName(site: string): string {
    return this.siteNames.get(site) ?? site;
  }

  serviceName(slug: string): string {
    return this.serviceNames.get(slug) ?? slug;
  }

  /** The zone that these sites (empty: all) share, else UTC. */
  sharedTimezone(sites: readonly string[]): string {
    const zones = new Set(
      this.sites.filter(({ site }) => sites.length === 0 || sites.includes(site)).map((site) => site.timezone));
    const [only] = zones;
    return zones.size === 1 && only ? only : 'UTC';
  }

  /** Below how many decisions cells of these sites are withheld. */
  threshold(sites: readonly string[]): number {
    const limits = this.sites
      .filter(({ site }) => sites.length === 0 || sites.includes(site))
      .map((site) => site.suppress_below ?? 5);
    return limits.length > 0 ? Math.max(...limits) : 5;
  }
}

export const directory = new Directory();

/** Whether the reader may change what holds for all sites. */
export const mayAdminister = () => directory.me !== null && directory.me.sites === null && directory.me.scopes.includes('admin');

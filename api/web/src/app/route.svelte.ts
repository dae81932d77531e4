// Where the reader is: path, query and fragment as reactive values, and links that move without loading the page anew.
// The server answers the same document for every path named here.

export const PAGES = [
  '/', '/segments', '/sites', '/services', '/experiments', '/fairness', '/promise', '/signals', '/bridge', '/live', '/alerts', '/audit', '/quality', '/settings', '/docs',
] as const;
export type Page = (typeof PAGES)[number];

class Route {
  path = $state(location.pathname);
  search = $state.raw(new URLSearchParams(location.search));
  hash = $state(location.hash);
  /** Whether the last step was one back or on in the history: the browser then scrolls by itself. */
  byHistory = false;

  /** Call once, after the session has taken its token out of the address. */
  start(): void {
    this.read();
    addEventListener('popstate', () => {
      this.byHistory = true;
      this.read();
    });
    addEventListener('hashchange', () => this.read());
    document.addEventListener('click', (event) => this.follow(event));
  }

  /** Goes to an address of this page; a new step back in the history unless `replace`. */
  go(href: string, { replace = false } = {}): void {
    const url = new URL(href, location.href);
    this.byHistory = false;
    const samePage = url.pathname === location.pathname;
    history[replace ? 'replaceState' : 'pushState'](null, '', url);
    this.read();
    if (!samePage) scrollTo(0, 0);
  }

  /** Only the query changes; the fragment and the path stay. */
  setSearch(search: URLSearchParams, options?: { replace?: boolean }): void {
    const text = search.toString();
    if (text === this.search.toString()) return;
    this.go(this.path + (text ? `?${text}` : ''), options);
  }

  private read(): void {
    this.path = location.pathname;
    this.hash = location.hash;
    if (location.search !== (this.search.toString() && `?${this.search}`)) {
      this.search = new URLSearchParams(location.search);
    }
  }

  private follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.origin !== location.origin || link.target || link.hasAttribute('download')) return;
    if (!PAGES.includes(link.pathname as Page) || link.hash) return;
    event.preventDefault();
    this.go(link.href);
  }
}

export const route = new Route();

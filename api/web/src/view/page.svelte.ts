// The address as every page of numbers reads and writes it: the view, and beside it parameters of the page's own.
import { directory } from '../app/directory.svelte';
import { route } from '../app/route.svelte';
import { carried, frozen, parseView, serialiseView, VIEW_KEYS, type PanelId, type ViewState } from './state';

class PageView {
  readonly view = $derived(parseView(route.search));
  readonly timezone = $derived(this.view.timezone ?? directory.sharedTimezone(this.view.sites));
  readonly threshold = $derived(directory.threshold(this.view.sites));
  /** What of the view the numbers depend on: opening a table or zooming asks the server nothing. */
  readonly asked = $derived(`${serialiseView({ ...this.view, tables: [], zoomed: false })} ${this.timezone}`);
  /** What navigation takes along to another page of numbers. */
  readonly carried = $derived(serialiseView(carried(this.view)).toString());

  /** A parameter of the page's own. */
  own(key: string): string | null {
    return route.search.get(key);
  }

  change(part: Partial<ViewState>): void {
    route.setSearch(this.search(part));
  }

  /** What is only about the drawing takes no step in the history. */
  quietly(part: Partial<ViewState>): void {
    route.setSearch(this.search(part), { replace: true });
  }

  /** Changes parameters of the page's own; null or empty takes one out. */
  set(own: Record<string, string | null>, options?: { replace?: boolean }): void {
    route.setSearch(this.search({}, own), options);
  }

  toggle(panel: PanelId): void {
    const { tables } = this.view;
    this.quietly({ tables: tables.includes(panel) ? tables.filter((open) => open !== panel) : [...tables, panel] });
  }

  /** The address that shows the same days to whoever opens it, whenever. */
  frozenLink(now: Date): string {
    const link = new URL(route.path, location.origin);
    link.search = this.search(frozen(this.view, this.timezone, now)).toString();
    return link.href;
  }

  private search(part: Partial<ViewState>, own: Record<string, string | null> = {}): URLSearchParams {
    const search = serialiseView({ ...this.view, ...part });
    for (const [key, value] of route.search) if (!VIEW_KEYS.includes(key) && !(key in own)) search.append(key, value);
    for (const [key, value] of Object.entries(own)) if (value) search.set(key, value);
    return search;
  }
}

export const page = new PageView();

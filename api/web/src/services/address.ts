// Where a service's pages are: `/services?service=chaport`, with `sheet=1` its consent sheet, with `edit=1` its form,
// with `at=` as it was then.
import { page } from '../view/page.svelte';
import { carried, serialiseView } from '../view/state';

interface Ways {
  sheet?: boolean;
  edit?: boolean;
  at?: string | null;
}

export function serviceHref(slug: string, { sheet = false, edit = false, at = null }: Ways = {}): string {
  const search = serialiseView({ ...carried(page.view), focus: { dimension: 'service', value: slug } });
  if (sheet) search.set('sheet', '1');
  if (edit) search.set('edit', '1');
  if (at) search.set('at', at);
  return `/services?${search}`;
}

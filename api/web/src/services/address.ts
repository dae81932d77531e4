// Where a service's pages are: `/services?service=chaport`, and with `sheet=1` its consent sheet.
import { page } from '../view/page.svelte';
import { carried, serialiseView } from '../view/state';

export function serviceHref(slug: string, { sheet = false } = {}): string {
  const search = serialiseView({ ...carried(page.view), focus: { dimension: 'service', value: slug } });
  if (sheet) search.set('sheet', '1');
  return `/services?${search}`;
}

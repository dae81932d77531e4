// What the pages of services ask: all services and categories with their course, and one service by time, country and site.
import type { Filter, Metric } from '../api/types';
import { queryOf, type Asking } from '../numbers/ask';
import { filtersOf, type ViewState } from '../view/state';

/** No rate over decisions or banners: by service these are of all sites, also of those that do not use it. */
export const COLUMNS: readonly Metric[] = ['consent_rate', 'granted', 'denied', 'undecided', 'withdrawals'];
/** Which number is drawn over time. */
export const TRENDS: readonly Metric[] = COLUMNS;
export const USUAL: Metric = 'consent_rate';

export type ListPart = 'service' | 'serviceTime' | 'category' | 'categoryTime';

export function askingList(view: ViewState, metric: Metric): Asking<ListPart> {
  return {
    questions: (scope) => {
      const filters: Filter[] = [...filtersOf(view), ['is', 'regime', [scope.regime]]];
      // A category's state is not that of one service: the server refuses a filter on services here.
      const ofCategories = filters.filter(([, dimension]) => dimension !== 'service');
      return {
        service: { ...queryOf(scope, { metrics: [...COLUMNS], dimensions: ['service'], filters }), compare: view.compare },
        serviceTime: queryOf(scope, { metrics: [metric], dimensions: ['service', 'time'], filters }),
        category: { ...queryOf(scope, { metrics: [...COLUMNS], dimensions: ['category'], filters: ofCategories }), compare: view.compare },
        categoryTime: queryOf(scope, { metrics: [metric], dimensions: ['category', 'time'], filters: ofCategories }),
      };
    },
  };
}

export type OnePart = 'total' | 'time' | 'country' | 'site';

/** Of one service. `metrics` are the same everywhere, so that every part can be compared with the whole. */
export function askingOne(view: ViewState, slug: string): Asking<OnePart> {
  const metrics: Metric[] = [...COLUMNS, 'decisions'];
  return {
    questions: (scope) => {
      const filters: Filter[] = [...filtersOf(view), ['is', 'regime', [scope.regime]], ['is', 'service', [slug]]];
      const by = (...dimensions: ('time' | 'country' | 'site')[]) =>
        ({ ...queryOf(scope, { metrics, dimensions: [...dimensions, 'service'], filters }), compare: view.compare });
      return { total: by(), time: by('time'), country: by('country'), site: by('site') };
    },
  };
}

// What the page of promise and reality asks: what was observed without consent, by site and by service, and its course.
import type { Filter, Metric } from '../api/types';
import { queryOf, type Asking } from '../numbers/ask';
import { filtersOf, type ViewState } from '../view/state';

export type Part = 'site' | 'siteTime' | 'service' | 'serviceTime';

export const FOUND: Metric = 'observed_without_consent';
export const COLUMNS: readonly Metric[] = [FOUND, 'granted', 'denied'];

export function asking(view: ViewState): Asking<Part> {
  return {
    byRegime: [FOUND],
    questions: (scope) => {
      const filters: Filter[] = [...filtersOf(view), ['is', 'regime', [scope.regime]]];
      return {
        site: { ...queryOf(scope, { metrics: [...COLUMNS], dimensions: ['site'], filters }), compare: view.compare },
        siteTime: queryOf(scope, { metrics: [FOUND], dimensions: ['site', 'time'], filters }),
        service: { ...queryOf(scope, { metrics: [...COLUMNS], dimensions: ['service'], filters }), compare: view.compare },
        serviceTime: queryOf(scope, { metrics: [FOUND], dimensions: ['service', 'time'], filters }),
      };
    },
  };
}

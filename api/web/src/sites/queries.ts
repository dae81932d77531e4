// What the comparison of sites asks: one row per site, compared, and one metric over time.
import type { Filter, Metric } from '../api/types';
import { queryOf, type Asking } from '../numbers/ask';
import { filtersOf, type ViewState } from '../view/state';

export type Part = 'site' | 'time';

export const COLUMNS: readonly Metric[] = ['shown', 'decisions', 'opt_in_rate', 'consent_rate', 'reject_all_rate', 'withdrawals'];

/** Which number is drawn over time. */
export const TRENDS: readonly Metric[] = ['consent_rate', 'opt_in_rate', 'interaction_rate', 'accept_all_rate', 'reject_all_rate', 'shown', 'decisions', 'withdrawals'];
export const USUAL: Metric = 'consent_rate';

export function asking(view: ViewState, metric: Metric): Asking<Part> {
  return {
    questions: (scope) => {
      const filters: Filter[] = [...filtersOf(view), ['is', 'regime', [scope.regime]]];
      return {
        site: {
          ...queryOf(scope, { metrics: [...COLUMNS], dimensions: ['site'], filters }),
          compare: view.compare,
        },
        time: queryOf(scope, { metrics: [metric], dimensions: ['site', 'time'], filters }),
      };
    },
  };
}

// What the page of signals asks: decisions by signal and finding, as they are and over time, by banner version and by site.
import type { Filter, Metric } from '../api/types';
import { queryOf, type Asking } from '../numbers/ask';
import { filtersOf, type ViewState } from '../view/state';

export type Part = 'total' | 'signal' | 'finding' | 'time' | 'version' | 'site';

/** The counts that there are by signal. */
const CHOICES: Metric[] = ['decisions', 'accept_all', 'reject_all', 'custom'];

export function asking(view: ViewState): Asking<Part> {
  return {
    questions: (scope) => {
      const filters: Filter[] = [...filtersOf(view), ['is', 'regime', [scope.regime]]];
      return {
        total: queryOf(scope, { metrics: CHOICES, dimensions: [], filters }),
        signal: { ...queryOf(scope, { metrics: CHOICES, dimensions: ['signal'], filters }), compare: view.compare },
        finding: { ...queryOf(scope, { metrics: ['decisions'], dimensions: ['signal', 'finding'], filters }), compare: view.compare },
        time: queryOf(scope, { metrics: ['decisions'], dimensions: ['time', 'signal', 'finding'], filters }),
        version: queryOf(scope, { metrics: ['decisions'], dimensions: ['banner_version', 'signal', 'finding'], filters }),
        site: queryOf(scope, { metrics: ['decisions'], dimensions: ['site', 'signal', 'finding'], filters }),
      };
    },
  };
}

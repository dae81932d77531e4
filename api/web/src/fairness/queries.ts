// What the page of fairness asks: how long and how often visitors accept and refuse, and how they take consent back.
import type { Filter, Metric } from '../api/types';
import { queryOf, type Asking } from '../numbers/ask';
import { filtersOf, type ViewState } from '../view/state';

export type Part = 'total' | 'methods' | 'methodTime' | 'time' | 'site' | 'siteMethod';

const RATES: Metric[] = ['accept_all_rate', 'reject_all_rate', 'withdrawal_rate'];
/** The choices whose ease is compared. */
export const CHOICES = ['accept_all', 'reject_all'] as const;

export function asking(view: ViewState): Asking<Part> {
  return {
    questions: (scope) => {
      const filters: Filter[] = [...filtersOf(view), ['is', 'regime', [scope.regime]]];
      const ofChoices: Filter[] = [...filters, ['is', 'method', [...CHOICES]]];
      const effort: Metric[] = ['median_seconds_to_decide', 'median_clicks_to_decide', 'decisions'];
      return {
        total: { ...queryOf(scope, { metrics: [...RATES, 'revoked_rate_7d', 'revoked_rate_30d', 'reprompted_rate_6m', 'median_seconds_to_withdraw', 'withdrawals', 'decisions'], dimensions: [], filters }), compare: view.compare },
        methods: { ...queryOf(scope, { metrics: effort, dimensions: ['method'], filters: ofChoices }), compare: view.compare },
        methodTime: queryOf(scope, { metrics: effort, dimensions: ['time', 'method'], filters: ofChoices }),
        time: queryOf(scope, { metrics: [...RATES, 'withdrawals', 'decisions'], dimensions: ['time'], filters }),
        site: { ...queryOf(scope, { metrics: [...RATES, 'revoked_rate_7d', 'revoked_rate_30d', 'reprompted_rate_6m', 'median_seconds_to_withdraw', 'withdrawals', 'decisions'], dimensions: ['site'], filters }), compare: view.compare },
        siteMethod: queryOf(scope, { metrics: effort, dimensions: ['site', 'method'], filters: ofChoices }),
      };
    },
  };
}

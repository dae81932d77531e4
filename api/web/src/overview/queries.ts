// The questions that the overview asks.
import type { Filter, Metric, Query } from '../api/types';
import { queryOf, type Asking, type Numbers, type Scope } from '../numbers/ask';
import { filtersOf, type ViewState } from '../view/state';

const PAIRS: Metric[] = ['consent_rate', 'granted', 'denied'];

const HEADLINE: Metric[] = [
  'shown', 'decisions', 'accept_all', 'reject_all', 'custom', 'no_choice', 'withdrawals', 'dismissed', 'automatic', 'opted_in',
  'granted', 'denied', 'interaction_rate', 'consent_rate', 'accept_all_rate', 'reject_all_rate', 'withdrawal_rate',
];

export type BoardPart = 'time' | 'choices' | 'releases' | 'category' | 'service' | 'site';
export type BoardData = Numbers<BoardPart>;

/** Rates are never pooled over regimes: the headline is by regime, everything else is of one. */
export function asking(view: ViewState): Asking<BoardPart> {
  return { byRegime: HEADLINE, compare: view.compare, questions: (scope) => questions(view, scope) };
}

export function questions(view: ViewState, scope: Scope): Record<BoardPart, Query> {
  const filters: Filter[] = [...filtersOf(view), ['is', 'regime', [scope.regime]]];
  const { focus } = view;
  const byService = filters.some(([, dimension]) => dimension === 'service');
  const choices: Metric[] = ['shown', 'decisions', 'accept_all', 'reject_all', 'custom', 'no_choice'];
  // Without a focus both lines are of the same events, and one question answers for both.
  const time: Query = {
    ...queryOf(scope, {
      metrics: focus ? [...PAIRS, 'decisions', 'shown'] : [...PAIRS, ...choices],
      dimensions: focus ? ['time', focus.dimension] : ['time'],
      filters: focus ? [...filters, ['is', focus.dimension, [focus.value]]] : filters,
    }),
    compare: view.compare,
  };
  return {
    time,
    choices: focus ? queryOf(scope, { metrics: choices, dimensions: ['time'], filters }) : time,
    releases: queryOf(scope, { metrics: ['shown'], dimensions: ['time', 'banner_version'], filters }),
    // The server refuses a filter on services by category alone: a category's state is not that of one service.
    category: queryOf(scope, {
      metrics: [...PAIRS, 'partial', 'undecided', 'withdrawals', 'decisions'], dimensions: byService ? ['category', 'service'] : ['category'], filters,
    }),
    service: queryOf(scope, {
      metrics: [...PAIRS, 'undecided', 'withdrawals', 'decisions'], dimensions: ['service'], filters,
    }),
    site: queryOf(scope, {
      metrics: [...PAIRS, 'interaction_rate', 'shown', 'decisions', 'withdrawals'], dimensions: ['site'], filters,
    }),
  };
}

// What the page of segments asks: one metric by each of five dimensions, with what it rests on.
import type { Metric } from '../api/types';
import { queryOf, type Asking } from '../numbers/ask';
import { filtersOf, type ViewState } from '../view/state';

export const SEGMENTS = ['country', 'device', 'browser', 'os', 'language'] as const;
export type Segment = (typeof SEGMENTS)[number];

export const USUAL: Metric = 'consent_rate';

export function asking(view: ViewState, metric: Metric): Asking<Segment> {
  return {
    questions: (scope) => Object.fromEntries(SEGMENTS.map((dimension) => [dimension, {
      ...queryOf(scope, {
        metrics: [...new Set<Metric>([metric, 'shown', 'decisions'])], dimensions: [dimension],
        filters: [...filtersOf(view), ['is', 'regime', [scope.regime]]],
      }),
      compare: view.compare,
    }])) as ReturnType<Asking<Segment>['questions']>,
  };
}

// What the page of experiments asks: first prompts only, one regime, bots out.
import type { Filter, Metric } from '../api/types';
import { queryOf, type Asking } from '../numbers/ask';
import type { ViewState } from '../view/state';
import { METRICS, type Plan } from './plan';

export type Part = 'arms' | 'efforts' | 'time' | 'strata';

export function asking(view: ViewState, site: string, { by, metric }: Plan): Asking<Part> {
  const always: Filter[] = [...view.filters, ['is', 'prompt', ['first']], ['is', 'bot', ['no']]];
  return {
    questions: (all) => {
      const scope = { ...all, sites: [site] };
      const filters: Filter[] = [...always, ['is', 'regime', [scope.regime]]];
      const metrics: Metric[] = [...METRICS, 'shown', 'decisions', 'accept_all', 'reject_all', 'median_seconds_to_decide'];
      return {
        arms: queryOf(scope, { metrics, dimensions: [by], filters }),
        efforts: queryOf(scope, { metrics: ['decisions', 'median_seconds_to_decide'], dimensions: [by, 'method'], filters }),
        time: queryOf(scope, { metrics: [metric, 'shown', 'decisions'], dimensions: ['time', by], filters }),
        // Only what was not assigned by lot needs to be put on the same mix of visitors.
        strata: queryOf(scope, {
          metrics: [metric, 'shown', 'decisions'], dimensions: by === 'banner_version' ? [by, 'country', 'device'] : [by], filters,
        }),
      };
    },
  };
}

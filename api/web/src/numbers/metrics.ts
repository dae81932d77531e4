// What every metric is called and what it counts, in the reader's language: the same words in tiles, tables and help.
import type { Metric } from '../api/types';
import { m } from '../paraglide/messages.js';

interface Wording {
  name: () => string;
  definition: () => string;
}

const WORDINGS: Partial<Record<Metric, Wording>> = {
  shown: { name: m.metric_shown, definition: m.metric_shown_is },
  decisions: { name: m.metric_decisions, definition: m.metric_decisions_is },
  interaction_rate: { name: m.metric_interaction_rate, definition: m.metric_interaction_rate_is },
  consent_rate: { name: m.metric_consent_rate, definition: m.metric_consent_rate_is },
  accept_all: { name: m.metric_accept_all, definition: m.metric_accept_all_is },
  reject_all: { name: m.metric_reject_all, definition: m.metric_reject_all_is },
  custom: { name: m.metric_custom, definition: m.metric_custom_is },
  no_choice: { name: m.metric_no_choice, definition: m.metric_no_choice_is },
  withdrawals: { name: m.metric_withdrawals, definition: m.metric_withdrawals_is },
  granted: { name: m.metric_granted, definition: m.metric_granted_is },
  denied: { name: m.metric_denied, definition: m.metric_denied_is },
  partial: { name: m.metric_partial, definition: m.metric_partial_is },
  undecided: { name: m.metric_undecided, definition: m.metric_undecided_is },
};

export function metricName(metric: Metric): string {
  return WORDINGS[metric]?.name() ?? metric;
}

export function metricDefinition(metric: Metric): string {
  return WORDINGS[metric]?.definition() ?? '';
}

const CATEGORY_NAMES: Record<string, () => string> = {
  necessary: m.category_necessary,
  preferences: m.category_preferences,
  statistics: m.category_statistics,
  marketing: m.category_marketing,
  unknown: m.category_unknown,
};

/** A site's own category is called what the site calls it. */
export function categoryName(category: string): string {
  return CATEGORY_NAMES[category]?.() ?? category;
}

const REGIME_NAMES: Record<string, () => string> = {
  opt_in: m.regime_opt_in,
  opt_out: m.regime_opt_out,
  notice: m.regime_notice,
  none: m.regime_none,
};

export function regimeName(regime: string): string {
  return REGIME_NAMES[regime]?.() ?? regime;
}

// What every metric is called and what it counts, in the reader's language: the same words in tiles, tables and help.
import { RATES, type Metric, type Rate } from '../api/types';
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
  opt_in_rate: { name: m.metric_opt_in_rate, definition: m.metric_opt_in_rate_is },
  accept_all_rate: { name: m.metric_accept_all_rate, definition: m.metric_accept_all_rate_is },
  reject_all_rate: { name: m.metric_reject_all_rate, definition: m.metric_reject_all_rate_is },
  withdrawal_rate: { name: m.metric_withdrawal_rate, definition: m.metric_withdrawal_rate_is },
  revoked_rate_30d: { name: m.metric_revoked_rate_30d, definition: m.metric_revoked_rate_30d_is },
  traffic_consent_rate: { name: m.metric_traffic_consent_rate, definition: m.metric_traffic_consent_rate_is },
  visitors: { name: m.metric_visitors, definition: m.metric_visitors_is },
  median_seconds_to_decide: { name: m.metric_median_seconds_to_decide, definition: m.metric_median_seconds_to_decide_is },
  median_clicks_to_decide: { name: m.metric_median_clicks_to_decide, definition: m.metric_median_clicks_to_decide_is },
  observed_without_consent: { name: m.metric_observed_without_consent, definition: m.metric_observed_without_consent_is },
  revoked_rate_7d: { name: m.metric_revoked_rate_7d, definition: m.metric_revoked_rate_7d_is },
  reprompted_rate_6m: { name: m.metric_reprompted_rate_6m, definition: m.metric_reprompted_rate_6m_is },
  median_seconds_to_withdraw: { name: m.metric_median_seconds_to_withdraw, definition: m.metric_median_seconds_to_withdraw_is },
  undecided: { name: m.metric_undecided, definition: m.metric_undecided_is },
};

export function metricName(metric: Metric): string {
  return WORDINGS[metric]?.name() ?? metric;
}

export function metricDefinition(metric: Metric): string {
  return WORDINGS[metric]?.definition() ?? '';
}

export function isRate(metric: Metric): metric is Rate {
  return (RATES as readonly Metric[]).includes(metric);
}

/** The numbers that a reader may choose where a page shows one of them. */
export const CHOOSABLE: readonly Metric[] = [
  'consent_rate', 'opt_in_rate', 'interaction_rate', 'accept_all_rate', 'reject_all_rate', 'withdrawal_rate', 'traffic_consent_rate',
  'shown', 'decisions', 'accept_all', 'reject_all', 'custom', 'no_choice', 'withdrawals', 'visitors', 'median_seconds_to_decide',
  'median_clicks_to_decide',
];

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

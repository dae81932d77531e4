// What an alert says, in a sentence.
import type { Alert, Rule } from '../api/types';
import { count, intervalRange, moment, percent, seconds, type Locale } from '../numbers/format';
import { m } from '../paraglide/messages.js';

export const RULE_NAMES: Record<Rule, () => string> = {
  consent_rate: m.alerts_rule_consent_rate,
  before_consent: m.alerts_rule_before_consent,
  ingestion_silent: m.alerts_rule_ingestion_silent,
  checkpoint_late: m.alerts_rule_checkpoint_late,
};

export const THRESHOLD_NAMES: Record<string, () => string> = {
  block_hours: m.alerts_t_block_hours,
  min_decisions: m.alerts_t_min_decisions,
  weeks: m.alerts_t_weeks,
  min_weeks: m.alerts_t_min_weeks,
  band: m.alerts_t_band,
  min_first: m.alerts_t_min_first,
  min_usual: m.alerts_t_min_usual,
  minutes: m.alerts_t_minutes,
  daily: m.alerts_t_daily,
  probability: m.alerts_t_probability,
  periods: m.alerts_t_periods,
};

function figure(of: Record<string, unknown>, name: string): number {
  const value = of[name];
  return typeof value === 'number' ? value : 0;
}

/** What was seen and what was to be expected. */
export function sentence(alert: Alert, locale: Locale, timezone: string): string {
  const { seen, expected } = alert;
  const since = moment(locale, new Date(alert.since), timezone, false);
  const range = (of: Record<string, unknown>) => {
    const [low, high] = [figure(of, 'low'), figure(of, 'high')];
    return intervalRange(locale, { low, high });
  };
  switch (alert.rule) {
    case 'consent_rate':
      return m.alerts_seen_consent_rate({
        rate: percent(locale, figure(seen, 'consent_rate')), range: range(seen),
        count: count(locale, figure(seen, 'decisions')), usual: range(expected),
      });
    case 'before_consent':
      return expected.method === 'first_in_four_weeks'
        ? m.alerts_seen_first({ count: count(locale, figure(seen, 'sightings')) })
        : m.alerts_seen_usual({
            count: count(locale, figure(seen, 'sightings')), share: percent(locale, figure(seen, 'share')),
            usual: percent(locale, figure(expected, 'high')),
          });
    case 'ingestion_silent':
      return expected.method === 'same_window_poisson'
        ? m.alerts_seen_silent({ time: since, count: count(locale, Math.round(figure(expected, 'events'))) })
        : m.alerts_seen_silent_daily({ time: since, count: count(locale, figure(expected, 'daily')) });
    case 'checkpoint_late': {
      const waits = typeof seen.waiting_since === 'string' ? seen.waiting_since : alert.since;
      return m.alerts_seen_checkpoint({
        time: moment(locale, new Date(waits), timezone), period: seconds(locale, figure(expected, 'period_seconds')),
      });
    }
  }
}

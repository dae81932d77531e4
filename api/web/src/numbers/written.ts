// Any metric's value as text, and which of a page's own choices of metric the address names.
import type { Metric, Rate } from '../api/types';
import type { TableRow } from '../tables/table';
import { count, duration, levelDigits, percent, percentRange, seconds, type Locale } from './format';
import { isRate } from './metrics';

export function written(locale: Locale, metric: Metric, value: number): string {
  if (isRate(metric)) return percent(locale, value);
  if (metric === 'median_seconds_to_withdraw') return duration(locale, value);
  return metric === 'median_seconds_to_decide' ? seconds(locale, value, 1) : count(locale, value);
}

/** The same on an axis, whose ticks are round. */
export function level(locale: Locale, metric: Metric, value: number): string {
  return isRate(metric) ? percent(locale, value, levelDigits(value)) : written(locale, metric, value);
}

/** From one limit to another, as legends have it. */
export function writtenRange(locale: Locale, metric: Metric, low: number, high: number): string {
  return isRate(metric) ? percentRange(locale, low, high, levelDigits(low, high)) : `${written(locale, metric, low)}–${written(locale, metric, high)}`;
}

/** The plain value of a row's cell; null where it is withheld or nothing. */
export function plainValue(row: TableRow, metric: Metric): number | null {
  if (isRate(metric)) {
    const cell = row.rates[metric as Rate];
    return cell?.kind === 'value' ? cell.rate : null;
  }
  const cell = row.counts[metric];
  return cell?.kind === 'value' ? cell.value : null;
}

export function chosenMetric(text: string | null, choices: readonly Metric[], usual: Metric): Metric {
  return choices.find((metric) => metric === text) ?? usual;
}

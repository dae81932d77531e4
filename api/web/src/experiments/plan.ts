// An experiment as it was planned, in the address, so that the plan stands before the numbers do and goes along with a link:
// `by=variant&a=A&b=B&metric=opt_in_rate&split=50:50&effect=2&size=4000&rule=size`.
import type { Dimension, Metric, Rate } from '../api/types';
import { isDay } from '../view/period';

export const METRICS = ['opt_in_rate', 'consent_rate', 'accept_all_rate', 'reject_all_rate', 'interaction_rate'] as const satisfies readonly Rate[];
export type ExperimentMetric = (typeof METRICS)[number];

/** What a rate is divided by, and so what is counted towards the planned size. */
export const UNIT: Record<ExperimentMetric, 'shown' | 'decisions'> = {
  opt_in_rate: 'shown', interaction_rate: 'shown', consent_rate: 'decisions', accept_all_rate: 'decisions', reject_all_rate: 'decisions',
};

export interface Plan {
  /** Variants were assigned by lot; banner versions followed one another, which proves less. */
  by: Extract<Dimension, 'variant' | 'banner_version'>;
  a: string | null;
  b: string | null;
  metric: ExperimentMetric;
  /** Planned weights of the two arms. */
  split: [number, number];
  /** The smallest difference worth finding, as a fraction. */
  effect: number;
  /** Planned number per arm; null: what the effect needs. */
  size: number | null;
  /** When it is decided: once, when both arms have the planned number, or once, at the end of a day. */
  rule: { kind: 'size' } | { kind: 'date'; until: string };
}

export const PLAN_KEYS = ['by', 'a', 'b', 'metric', 'split', 'effect', 'size', 'rule'] as const;
const USUAL_EFFECT = 0.02;
const LARGEST_SIZE = 1e9;

export function parsePlan(of: (key: (typeof PLAN_KEYS)[number]) => string | null): Plan {
  const rule = of('rule');
  const size = Number(of('size'));
  return {
    by: of('by') === 'banner_version' ? 'banner_version' : 'variant',
    a: of('a') || null,
    b: of('b') || null,
    metric: METRICS.find((metric: Metric) => metric === of('metric')) ?? 'opt_in_rate',
    split: parseSplit(of('split')) ?? [50, 50],
    effect: parsePoints(of('effect')) ?? USUAL_EFFECT,
    size: Number.isInteger(size) && size > 0 && size <= LARGEST_SIZE ? size : null,
    rule: isDay(rule) ? { kind: 'date', until: rule } : { kind: 'size' },
  };
}

/** `50:50`, `9:1`: two positive weights. */
export function parseSplit(text: string | null): [number, number] | null {
  const [a, b, ...rest] = (text ?? '').split(':').map(Number);
  return a && b && rest.length === 0 && a > 0 && b > 0 && Number.isFinite(a + b) ? [a, b] : null;
}

/** Points, `2` or `0.5`, as a fraction. */
export function parsePoints(text: string | null): number | null {
  const points = Number((text ?? '').replace(',', '.'));
  return text && points > 0 && points <= 50 ? points / 100 : null;
}

// How far an experiment is: what the plan asks for and what is there.
import type { Row } from '../api/types';
import { countCell, valueOf } from '../numbers/cell';
import { share } from './intervals';
import { UNIT, type Plan } from './plan';
import { neededByWeight } from './power';
import { proportionOf } from './result';

const rowOf = (rows: readonly Row[], plan: Plan, arm: string) => rows.find(({ dimensions }) => dimensions[plan.by] === arm);

/**
 * The planned number of each arm: what the plan says, else what its smallest effect needs from the first arm's rate so far.
 * Null where that rate is not known, or the effect leads out of 0 to 100 %.
 */
export function plannedSize(plan: Plan, rows: readonly Row[], [a]: [string, string]): [number, number] | null {
  const weights: [number, number] = plan.by === 'variant' ? plan.split : [1, 1];
  if (plan.size !== null) {
    const larger = Math.max(...weights);
    return [Math.ceil((plan.size * weights[0]) / larger), Math.ceil((plan.size * weights[1]) / larger)];
  }
  const row = rowOf(rows, plan, a);
  const base = row && proportionOf(row, plan.metric);
  return base ? neededByWeight(share(base), plan.effect, weights) ?? neededByWeight(share(base), -plan.effect, weights) : null;
}

/** What counts towards it: banners shown or decisions, as the rate divides by. Null where withheld. */
export function reached(plan: Plan, rows: readonly Row[], chosen: [string, string]): [number | null, number | null] {
  return chosen.map((arm) => valueOf(countCell(rowOf(rows, plan, arm)?.metrics, UNIT[plan.metric]))) as [number | null, number | null];
}

/** Whether the stopping rule says that now is the time; `today` is a day in the view's time zone. */
export function isTime(plan: Plan, planned: [number, number] | null, have: [number | null, number | null], today: string): boolean {
  if (plan.rule.kind === 'date') return today > plan.rule.until;
  return planned !== null && have.every((value, i) => (value ?? 0) >= (planned[i] ?? Infinity));
}

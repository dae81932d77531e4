// How many it takes to see an effect: the sample size for two proportions (Fleiss, Levin, Paik, "Statistical Methods for
// Rates and Proportions", 3rd edition, 4.14; without continuity correction, as R's power.prop.test has it).
import { Z } from './intervals';

/** 80 % of the normal distribution. */
const Z_POWER = 0.8416212335729143;

/**
 * Trials that each of two equal arms needs, so that a true difference of `effect` (a fraction, either sign) from `base` is
 * found in 80 of 100 experiments by a two-sided test at 5 %. Null where `base + effect` is no share, or the effect is 0.
 */
export function neededPerArm(base: number, effect: number): number | null {
  const other = base + effect;
  if (effect === 0 || ![base, other].every((value) => value >= 0 && value <= 1)) return null;
  const mean = (base + other) / 2;
  const alone = Z * Math.sqrt(2 * mean * (1 - mean));
  const apart = Z_POWER * Math.sqrt(base * (1 - base) + other * (1 - other));
  return Math.ceil(((alone + apart) / effect) ** 2);
}

/** The same for arms that are not equally large: each gets its weight's part of a total in which the smaller one suffices. */
export function neededByWeight(base: number, effect: number, weights: readonly [number, number]): [number, number] | null {
  const equal = neededPerArm(base, effect);
  const whole = weights[0] + weights[1];
  if (equal === null || !(weights[0] > 0 && weights[1] > 0)) return null;
  // Equal variance per trial in both: n is such that 1/n1 + 1/n2 = 2/equal.
  const total = (equal / 2) * (whole / weights[0] + whole / weights[1]);
  return [Math.ceil((total * weights[0]) / whole), Math.ceil((total * weights[1]) / whole)];
}

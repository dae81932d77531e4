// Tests of hypotheses: whether two proportions differ, and whether visitors were split as planned.
import { share, type Proportion } from './intervals';

/**
 * The upper tail of the gamma distribution, Q(a, x), for a = 1/2, 1, 3/2, ...: both the chi-square and the normal
 * distribution are cases of it (NIST DLMF 8.7.1 below a + 1, the continued fraction 8.9.2 above, as Lentz evaluates it).
 */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  const scale = Math.exp(a * Math.log(x) - x - lnGamma(a));
  if (x < a + 1) {
    let [term, sum] = [1 / a, 1 / a];
    for (let n = 1; term > sum * Number.EPSILON; n += 1) sum += term *= x / (a + n);
    return 1 - scale * sum;
  }
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 10_000; n += 1) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b || tiny);
    c = b + an / c || tiny;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < Number.EPSILON * 4) break;
  }
  return scale * fraction;
}

/** ln Γ(a) for a = 1/2, 1, 3/2, ..., by Γ(a + 1) = a Γ(a). */
function lnGamma(a: number): number {
  let sum = a % 1 === 0 ? 0 : Math.log(Math.PI) / 2;
  for (let k = a % 1 === 0 ? 1 : 0.5; k < a; k += 1) sum += Math.log(k);
  return sum;
}

/** How likely a chi-square statistic at least this large is by chance alone. */
export function chiSquareTail(statistic: number, degrees: number): number {
  return upperGamma(degrees / 2, statistic / 2);
}

/** How likely a standard normal is at least this far from 0, on either side. */
export function normalTails(z: number): number {
  return upperGamma(0.5, (z * z) / 2);
}

export interface Test {
  statistic: number;
  /** How likely a result at least this far off is if nothing differs. */
  p: number;
}

/** The two-sided z test of two independent proportions, with the pooled variance. Null where both are all or nothing. */
export function twoProportions(a: Proportion, b: Proportion): Test | null {
  const pooled = (a.successes + b.successes) / (a.trials + b.trials);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / a.trials + 1 / b.trials));
  if (!(error > 0)) return null;
  const statistic = (share(a) - share(b)) / error;
  return { statistic, p: normalTails(statistic) };
}

/** Below this a split is not the planned one: a threshold for alarms that are looked at every day. */
export const MISMATCH_BELOW = 0.001;

/** Pearson's chi-square test of counts against planned weights. Null where there is nothing to test. */
export function sampleRatio(counts: readonly number[], weights: readonly number[]): Test | null {
  const [total, whole] = [sum(counts), sum(weights)];
  if (counts.length < 2 || counts.length !== weights.length || total === 0 || weights.some((weight) => !(weight > 0))) return null;
  const statistic = sum(counts.map((count, i) => {
    const expected = (total * (weights[i] ?? 0)) / whole;
    return (count - expected) ** 2 / expected;
  }));
  return { statistic, p: chiSquareTail(statistic, counts.length - 1) };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

// Direct standardisation (Rothman, Greenland, Lash, "Modern Epidemiology", 3rd edition, chapter 15): what two groups would
// differ by if both had the same mix of countries and devices. Weights are the strata's shares of the decisions of both groups together.
import { share, Z, type Interval, type Proportion } from './intervals';

export interface Stratum {
  name: string;
  a: Proportion;
  b: Proportion;
  /** Decisions of both groups. */
  weight: number;
}

export interface Standardised {
  a: number;
  b: number;
  difference: number;
  interval: Interval;
  /** Strata in which both groups occur; only these are compared. */
  used: number;
  /** The part of all weight that lies in strata with one group alone, and is left out. */
  leftOut: number;
}

/** Null where no stratum has both groups. The interval is the normal one, 95 %, of a weighted sum of independent differences. */
export function standardise(strata: readonly Stratum[]): Standardised | null {
  const both = strata.filter(({ a, b }) => a.trials > 0 && b.trials > 0);
  const [all, used] = [strata, both].map((some) => some.reduce((sum, { weight }) => sum + weight, 0)) as [number, number];
  if (!(used > 0)) return null;
  let [a, b, variance] = [0, 0, 0];
  for (const stratum of both) {
    const weight = stratum.weight / used;
    a += weight * share(stratum.a);
    b += weight * share(stratum.b);
    variance += weight ** 2 * (varianceOf(stratum.a) + varianceOf(stratum.b));
  }
  const half = Z * Math.sqrt(variance);
  return {
    a, b, difference: a - b, interval: { low: a - b - half, high: a - b + half }, used: both.length, leftOut: 1 - used / all,
  };
}

/** Of the share, with one half added to successes and failures, so that a stratum of three does not pass for certain. */
function varianceOf({ successes, trials }: Proportion): number {
  const p = (successes + 0.5) / (trials + 1);
  return (p * (1 - p)) / trials;
}

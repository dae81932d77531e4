// Intervals for proportions. Wilson (1927), and for a difference Newcombe (1998), "Interval estimation for the difference
// between independent proportions", Statistics in Medicine 17, 873-890, method 10: two Wilson intervals put together.

/** 97.5 % of the normal distribution, as the server has it. */
export const Z = 1.959963984540054;

export interface Interval {
  low: number;
  high: number;
}

/** `successes` of `trials`; both may be fractions, `trials` above 0. */
export interface Proportion {
  successes: number;
  trials: number;
}

export const share = ({ successes, trials }: Proportion): number => successes / trials;

/** Wilson's score interval, 95 %, without continuity correction. */
export function wilson(proportion: Proportion): Interval {
  const [p, n] = [share(proportion), proportion.trials];
  const centre = p + (Z * Z) / (2 * n);
  const half = Z * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n));
  const whole = 1 + (Z * Z) / n;
  return { low: Math.max(0, (centre - half) / whole), high: Math.min(1, (centre + half) / whole) };
}

/** The 95 % interval of `share(a) - share(b)`, for independent samples. */
export function newcombe(a: Proportion, b: Proportion): Interval {
  return difference(share(a), wilson(a), share(b), wilson(b));
}

/** The same from rates whose Wilson intervals are known already. */
export function difference(a: number, ofA: Interval, b: number, ofB: Interval): Interval {
  return {
    low: a - b - Math.hypot(a - ofA.low, ofB.high - b),
    high: a - b + Math.hypot(ofA.high - a, b - ofB.low),
  };
}

// At most five classes of values with round limits, for shades that a reader can tell apart.

const MOST = 5;

export interface Classes {
  /** From 0 for the lowest. */
  of: (value: number) => number;
  /** Both ends of each class. */
  limits: [number, number][];
}

export function classesOf(values: readonly number[]): Classes {
  const [low, high] = values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const air = high > low ? 0 : Math.max(0.01, Math.abs(high) * 0.05);
  const limits = roundLimits(low - air, high + air);
  return { limits, of: (value) => Math.max(0, limits.findIndex(([, end], i) => value < end || i === limits.length - 1)) };
}

/** The finest steps of 1, 2 or 5 times a power of ten of which five suffice. */
function roundLimits(low: number, high: number): [number, number][] {
  const power = Math.floor(Math.log10((high - low) / MOST));
  for (const step of [power, power + 1].flatMap((exponent) => [1, 2, 5].map((digit) => [digit, exponent] as const))) {
    // Counted in whole steps and divided at the end, so that no limit is 0.6000000000000001.
    const at = (index: number) => (step[1] < 0 ? (index * step[0]) / 10 ** -step[1] : index * step[0] * 10 ** step[1]);
    const width = at(1);
    const [first, last] = [Math.floor(low / width + 1e-9), Math.ceil(high / width - 1e-9)];
    if (last - first <= MOST) return Array.from({ length: Math.max(1, last - first) }, (_, i) => [at(first + i), at(first + i + 1)]);
  }
  return [[low, high]];
}

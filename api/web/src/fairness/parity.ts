// Whether two choices take the same time: the ratio of the medians, and when it is worth a word.
import type { Row } from '../api/types';
import { countCell, valueOf } from '../numbers/cell';

/** Medians of a few hundred people differ by this much for no reason. */
const NOTABLE = 0.1;

export interface Parity {
  /** Seconds, the lower median. */
  accept: number;
  reject: number;
  /** How much longer refusing takes, as a part of accepting: 0.5 is half as long again, below 0 it is quicker. */
  longer: number;
  verdict: 'even' | 'slower' | 'quicker';
}

/** Null where one of the two was not made, or is withheld. */
export function parityOf(rows: readonly Row[]): Parity | null {
  const of = (method: string) => valueOf(countCell(rows.find(({ dimensions }) => dimensions.method === method)?.metrics, 'median_seconds_to_decide'));
  const [accept, reject] = [of('accept_all'), of('reject_all')];
  if (accept === null || reject === null || !(accept > 0)) return null;
  const longer = reject / accept - 1;
  return { accept, reject, longer, verdict: longer > NOTABLE ? 'slower' : longer < -NOTABLE ? 'quicker' : 'even' };
}

// Whether two choices take the same time: the ratio of the medians, and when it is worth a word.
import type { Count, Row } from '../api/types';
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

/** What accepting and rejecting take; null where one of the two was not made, or is withheld. */
function bothOf(rows: readonly Row[], metric: Count): { accept: number; reject: number } | null {
  const of = (method: string) => valueOf(countCell(rows.find(({ dimensions }) => dimensions.method === method)?.metrics, metric));
  const [accept, reject] = [of('accept_all'), of('reject_all')];
  return accept === null || reject === null ? null : { accept, reject };
}

/** Clicks in the banner, the lower median, the last one among them. */
export const clicksOf = (rows: readonly Row[]) => bothOf(rows, 'median_clicks_to_decide');

/** Null also where accepting takes no time. */
export function parityOf(rows: readonly Row[]): Parity | null {
  const both = bothOf(rows, 'median_seconds_to_decide');
  if (!both || !(both.accept > 0)) return null;
  const { accept, reject } = both;
  const longer = reject / accept - 1;
  return { accept, reject, longer, verdict: longer > NOTABLE ? 'slower' : longer < -NOTABLE ? 'quicker' : 'even' };
}

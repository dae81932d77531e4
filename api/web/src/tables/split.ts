// A total in its parts, one row each: what a stacked bar draws, what the table behind it says, and the CSV of that table.
import type { RateCell } from '../numbers/cell';
import { csvLine } from './table';

/** One part of a total: its key in a CSV, its name, and how a bar is filled with it. */
export interface Part {
  key: string;
  name: string;
  ink: Ink;
}

/** Each fill differs from its neighbours by texture as well as by colour; `withheld` is the rest that no part explains. */
export type Ink = 'plain' | 'alarm' | 'hatch' | 'stripes' | 'dots' | 'specks' | 'withheld';

export interface Split {
  /** What the row is of, by dimension, as the API has it: `{ signal: 'tcf' }`. Told apart from other rows by its values. */
  at: Record<string, string>;
  name: string;
  /** Null where withheld; so is each part. */
  total: number | null;
  parts: Record<string, number | null>;
  /** The one rate that the row is about. */
  rate: RateCell;
  /** The total as a part of everything in scope, where the row says so. */
  ofAll?: RateCell;
}

export const keyOf = ({ at }: Split): string => Object.values(at).join(' ');

/** Each part's beginning and width as fractions of the bar. What is withheld is the rest, as far as a total is known. */
export function stretches(split: Split, parts: readonly Part[]): { key: string; ink: Ink; from: number; width: number }[] {
  const known = parts.reduce((sum, { key }) => sum + (split.parts[key] ?? 0), 0);
  const whole = Math.max(split.total ?? known, known);
  if (whole === 0) return [];
  let from = 0;
  const placed = [
    ...parts.map(({ key, ink }) => ({ key, ink, width: (split.parts[key] ?? 0) / whole })),
    { key: 'withheld', ink: 'withheld' as const, width: (whole - known) / whole },
  ].map((part) => {
    const at = { ...part, from };
    from += part.width;
    return at;
  });
  return placed.filter(({ width }) => width > 0);
}

/** RFC 4180, as `toCsv` writes a table of metrics: the API's own names, and nothing in a withheld cell but its name at the end. */
export function splitsCsv(splits: readonly Split[], parts: readonly Part[], rate: string): string {
  const ofAll = splits.some((split) => split.ofAll);
  const header = [...Object.keys(splits[0]?.at ?? {}), 'name', 'decisions', ...(ofAll ? ['share_of_decisions'] : []),
    ...parts.map(({ key }) => key), rate, `${rate}_low`, `${rate}_high`, `${rate}_denominator`, 'withheld'];
  const lines = splits.map((split) => {
    const withheld = [...(split.total === null ? ['decisions'] : []), ...parts.filter(({ key }) => split.parts[key] === null).map(({ key }) => key)];
    const of = (cell: RateCell | undefined) => (cell?.kind === 'value' ? cell.rate : '');
    const value = split.rate.kind === 'value' ? split.rate : null;
    return [...Object.values(split.at), split.name, split.total ?? '', ...(ofAll ? [of(split.ofAll)] : []), ...parts.map(({ key }) => split.parts[key] ?? ''),
      of(split.rate), value?.interval?.low ?? '', value?.interval?.high ?? '', value?.denominator ?? '', withheld.join(' ')];
  });
  return [header, ...lines].map(csvLine).join('');
}

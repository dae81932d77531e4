// Which two arms are compared, where the address does not say.
import type { Row } from '../api/types';
import { countCell, valueOf } from '../numbers/cell';
import type { Plan } from './plan';

/** Every arm that was shown, in the order of its first appearance, those without a name left out. */
export function armsOf(rows: readonly Row[], over: readonly Row[], by: Plan['by']): string[] {
  const first = new Map<string, number>();
  for (const { dimensions } of over) {
    const [arm, at] = [dimensions[by] ?? '', Date.parse(dimensions.time ?? '')];
    if (Number.isFinite(at)) first.set(arm, Math.min(first.get(arm) ?? Infinity, at));
  }
  return rows
    .filter((row) => (row.dimensions[by] ?? '') !== '' && (valueOf(countCell(row.metrics, 'shown')) ?? 1) > 0)
    .map((row) => row.dimensions[by] ?? '')
    .sort((a, b) => (by === 'banner_version' ? (first.get(a) ?? 0) - (first.get(b) ?? 0) : 0) || a.localeCompare(b, undefined, { numeric: true }));
}

/** The two asked for; else the first two variants, or the newest banner version against the one before. */
export function chosenArms(arms: readonly string[], { by, a, b }: Plan): [string, string] | null {
  const usual = by === 'banner_version' ? arms.slice(-2) : arms.slice(0, 2);
  const one = arms.find((arm) => arm === a);
  const other = arms.find((arm) => arm === b && arm !== one);
  const left = one ?? usual.find((arm) => arm !== other);
  const right = other ?? usual.find((arm) => arm !== left) ?? arms.find((arm) => arm !== left);
  return left !== undefined && right !== undefined ? [left, right] : null;
}

// What a few typed letters mean: names that begin with them first, then those in which a word does, then those that hold them.

export interface Findable {
  href: string;
  name: string;
  kind: string;
  also: string;
}

const MOST = 12;

export function found<T extends Findable>(all: readonly T[], text: string): T[] {
  const wanted = plain(text.trim());
  return all
    .map((one, order) => ({ one, order, rank: rankOf(one, wanted) }))
    .filter(({ rank }) => rank < 3)
    .sort((a, b) => a.rank - b.rank || a.order - b.order)
    .slice(0, MOST)
    .map(({ one }) => one);
}

function rankOf({ name, also }: Findable, wanted: string): number {
  const texts = [plain(name), plain(also)];
  if (texts.some((text) => text.startsWith(wanted))) return 0;
  if (texts.some((text) => text.split(/[\s.\-_]+/).some((word) => word.startsWith(wanted)))) return 1;
  return texts.some((text) => text.includes(wanted)) ? 2 : 3;
}

/** Without case and accents. */
export const plain = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

// What other tools would call the same events: their definitions as they document them, applied to our counts. Only those
// whose definition was read in the vendor's own documentation are named.
import type { Metrics } from '../api/types';

export type OtherRate = 'didomi_consent' | 'didomi_opt_in' | 'usercentrics_accept' | 'usercentrics_interaction' | 'osano_opt_out';

export interface OtherDefinition {
  key: OtherRate;
  tool: string;
  source: string;
  /** Null where a count is withheld or there is nothing to divide by. */
  of: (metrics: Metrics) => number | null;
}

const DIDOMI = 'https://support.didomi.io/difference-between-consent-rate-and-addressability-rate';
const USERCENTRICS = 'https://usercentrics.com/docs/web/features/interaction-analytics/dashboards';
const OSANO = 'https://docs.osano.com/hc/en-us/articles/32493384386964-Cookie-Consent-Reports-A-Guide-to-Understanding-and-Utilizing-Reports';

export const OTHERS: readonly OtherDefinition[] = [
  // Opt-ins (at least one purpose accepted) / (opt-ins + opt-outs).
  { key: 'didomi_consent', tool: 'Didomi', source: DIDOMI, of: ({ opted_in, decisions }) => divided(opted_in, decisions) },
  // Opt-ins / notices displayed.
  { key: 'didomi_opt_in', tool: 'Didomi', source: DIDOMI, of: ({ opted_in, shown }) => divided(opted_in, shown) },
  // ACCEPT_ALL / (ACCEPT_ALL + DENY_ALL + SAVE).
  { key: 'usercentrics_accept', tool: 'Usercentrics', source: USERCENTRICS, of: ({ accept_all, reject_all, custom }) => divided(accept_all, sum(accept_all, reject_all, custom)) },
  // (ACCEPT_ALL + DENY_ALL + SAVE) / CMP_SHOWN.
  { key: 'usercentrics_interaction', tool: 'Usercentrics', source: USERCENTRICS, of: ({ accept_all, reject_all, custom, shown }) => divided(sum(accept_all, reject_all, custom), shown) },
  // Visitors who opt out of everything, by rejecting or dismissing, among those who interacted.
  { key: 'osano_opt_out', tool: 'Osano', source: OSANO, of: ({ opted_in, decisions }) => { const part = divided(opted_in, decisions); return part === null ? null : 1 - part; } },
];

type Known = number | null | undefined;

function divided(part: Known, whole: Known): number | null {
  return typeof part === 'number' && typeof whole === 'number' && whole > 0 ? part / whole : null;
}

function sum(...values: Known[]): number | null {
  return values.every((value) => typeof value === 'number') ? values.reduce<number>((total, value) => total + (value ?? 0), 0) : null;
}

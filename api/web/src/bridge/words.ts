// What the page calls sources and steps, and what each step does.
import type { BridgeStep, BridgeStepName } from '../api/types';
import { m } from '../paraglide/messages.js';

const SOURCES: Record<string, string> = { didomi: 'Didomi', usercentrics: 'Usercentrics', onetrust: 'OneTrust', cookiebot: 'Cookiebot' };

export function sourceName(source: string): string {
  return SOURCES[source] ?? m.bridge_other_tool();
}

const NAMES: Record<BridgeStepName | 'ours' | 'theirs', () => string> = {
  ours: m.bridge_ours, denominator: m.bridge_denominator, bots: m.bridge_bots, timezone: m.bridge_timezone, repeats: m.bridge_repeats,
  prompts: m.bridge_prompts, automatic: m.bridge_automatic, remainder: m.bridge_remainder, theirs: m.bridge_theirs,
};

export function stepName(step: BridgeStepName | 'ours' | 'theirs'): string {
  return NAMES[step]();
}

/** `counts` is what the tool counts that we leave out. */
export function stepWords({ step }: BridgeStep, counts: readonly string[]): string {
  switch (step) {
    case 'denominator': return m.bridge_denominator_is();
    case 'bots': return counts.includes('bots') ? m.bridge_bots_counted() : m.bridge_bots_left_out();
    case 'timezone': return m.bridge_timezone_is();
    case 'repeats': return m.bridge_repeats_is();
    case 'prompts': return counts.includes('user_opened') ? m.bridge_prompts_counted() : m.bridge_prompts_left_out();
    case 'automatic': return counts.includes('automatic') ? m.bridge_automatic_counted() : m.bridge_automatic_left_out();
    case 'remainder': return m.bridge_remainder_is();
  }
}

// What signals and findings are called, and how a bar is filled with each finding.
import { valueName } from '../numbers/dimensions';
import { m } from '../paraglide/messages.js';
import type { Ink, Part } from '../tables/split';
import { FINDINGS, type Finding, type Signal } from './findings';

/** Names of their own, in every language the same. */
const SIGNAL_NAMES: Record<Signal, string> = { tcf: 'TCF', gpp: 'GPP', consent_mode: 'Google Consent Mode', gpc: 'GPC' };
const SIGNAL_IS: Record<Signal, () => string> = {
  tcf: m.signals_tcf_is, gpp: m.signals_gpp_is, consent_mode: m.signals_consent_mode_is, gpc: m.signals_gpc_is,
};
export const signalName = (signal: Signal): string => SIGNAL_NAMES[signal];
export const signalDefinition = (signal: Signal): string => SIGNAL_IS[signal]();

/** A row's value and its signal. */
export const namedBy = (dimension: 'banner_version' | 'site') => (signal: Signal, key: string): string =>
  `${valueName(dimension, key)} · ${signalName(signal)}`;

interface Wording {
  name: () => string;
  means: () => string;
  todo: () => string;
  ink: Ink;
}

export const WORDINGS: Record<Finding, Wording> = {
  grants_refused: { name: m.signals_grants_refused, means: m.signals_grants_refused_is, todo: m.signals_grants_refused_do, ink: 'alarm' },
  denies_granted: { name: m.signals_denies_granted, means: m.signals_denies_granted_is, todo: m.signals_denies_granted_do, ink: 'hatch' },
  invalid: { name: m.signals_invalid, means: m.signals_invalid_is, todo: m.signals_invalid_do, ink: 'stripes' },
  unreadable: { name: m.signals_unreadable, means: m.signals_unreadable_is, todo: m.signals_unreadable_do, ink: 'dots' },
  incomparable: { name: m.signals_incomparable, means: m.signals_incomparable_is, todo: m.signals_incomparable_do, ink: 'specks' },
  consistent: { name: m.signals_consistent, means: m.signals_consistent_is, todo: m.signals_consistent_do, ink: 'plain' },
};

/** The parts of a total by finding. */
export const findingParts = (): Part[] => FINDINGS.map((key) => ({ key, name: WORDINGS[key].name(), ink: WORDINGS[key].ink }));

// Types, methods and states of events in words; an unknown code is shown as it is.
import { m } from '../paraglide/messages.js';

const TYPES: Record<string, () => string> = {
  shown: m.type_shown, decided: m.type_decided, withdrawn: m.type_withdrawn, observed: m.type_observed, loaded: m.type_loaded,
};
const METHODS: Record<string, () => string> = {
  accept_all: m.metric_accept_all, reject_all: m.metric_reject_all, save: m.metric_custom, dismiss: m.method_dismiss,
  gpc: m.method_gpc, api: m.method_api,
};
const STATES: Record<string, () => string> = {
  granted: m.state_granted, denied: m.state_denied, partial: m.state_partial, undecided: m.state_undecided,
  withdrawn: m.state_withdrawn, not_disclosed: m.state_not_disclosed,
};

export const typeName = (code: string): string => TYPES[code]?.() ?? code;
export const methodName = (code: string): string => METHODS[code]?.() ?? code;
export const stateName = (code: string): string => STATES[code]?.() ?? code;

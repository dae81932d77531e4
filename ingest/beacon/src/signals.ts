// What the page told others of the choice: Google Consent Mode, read from the data layer, and Global Privacy Control. They
// stand beside the banner's own event, and are read once the click, and what the banner set off with it, is through.

import type { Beacon } from './core.ts'
import type { ConsentEvent, Signals } from './event.ts'

/** The consent that `gtag('consent', 'default' | 'update', {...})` has left: later wins; waiting times are no consent. */
export const consentMode = (layer: ArrayLike<any>[] = []): Record<string, string> | undefined => {
  const state: Record<string, string> = {}
  for (const call of layer)
    if (call?.[0] === 'consent')
      for (const name in call[2]) if (/^(granted|denied)$/.test(call[2][name])) state[name] = call[2][name]
  return Object.keys(state)[0] ? state : undefined
}

/** Adds the signals of the page to every event: the Consent Mode of `window.dataLayer` and the browser's GPC. */
export const signals = ({ config }: Beacon) => {
  const { sending } = config
  config.sending = (events: ConsentEvent[]) => {
    for (const event of events) {
      const consent_mode = consentMode((window as any).dataLayer)
      const gpc = (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl
      const also: Signals = { consent_mode, gpc, ...event.signals }
      event.signals = also
    }
    sending?.(events)
  }
}

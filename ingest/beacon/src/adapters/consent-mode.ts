// A banner of which nothing is known but that it tells Google Consent Mode what was chosen (`gtag('consent', 'update', ...)`).
// Where the banner has an adapter of its own, Consent Mode is a signal beside its events (`signals.ts`), and no banner.

import type { Beacon } from '../core.ts'
import type { Answer } from '../event.ts'
import { consentMode } from '../signals.ts'
import type { Told } from '../told.ts'
import { up } from '../up.ts'

/** Consent Mode does not say how long a choice lasts; browsers keep no cookie longer than this. */
export const DAYS = 390

/** Avow's categories of Google's parameters. `security_storage` is nobody's choice. */
const CATEGORIES: Record<string, string> = {
  ad_storage: 'marketing', ad_user_data: 'marketing', ad_personalization: 'marketing', analytics_storage: 'statistics',
  functionality_storage: 'preferences', personalization_storage: 'preferences',
}

/**
 * Watches the data layer, by default the global one, which this makes if it is not there yet. That the banner
 * is up shows only in its `root`. `to` is `told(beacon, DAYS)`.
 */
export const consentModeBanner = ({ config: { root } }: Beacon, to: Told, layer: any[] = ((window as any).dataLayer ??= [])) => {
  const read = () => {
    const state = consentMode(layer) ?? {}
    const answers = Object.keys(CATEGORIES).filter((name) => name in state)
    return { answers: answers.map((name): Answer => [[CATEGORIES[name]!], '', state[name] === 'granted']) }
  }
  const updates = (call: any) => call?.[0] === 'consent' && call[1] === 'update'

  if (layer.some(updates)) to.found(read())
  const { push } = layer
  layer.push = (...calls) => {
    const length = push.apply(layer, calls)
    // What a banner repeats on loading comes with no act of anybody, and is only what was found.
    if (calls.some(updates)) to.chose(read())
    return length
  }
  if (root) up(root, to.opened)
}

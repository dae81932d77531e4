// Page views, for the share of traffic with consent. Off unless switched on: one event for each page, with no subject.

import type { Beacon } from './core.ts'

/**
 * The consent of this moment: all of it, part of it, none of it, or no choice yet. `necessary` is nobody's choice.
 * `not_required` and `not_possible` are for the site to say, by `data-loaded`.
 */
const state = (beacon: Beacon) => {
  const { categories: { necessary, ...categories } = {}, services, purposes } = beacon.choice()
  const flags = Object.values({ ...categories, ...services, ...purposes })
  if (!flags.length) return 'none'
  return flags.every(Boolean) ? 'granted' : flags.some(Boolean) ? 'partial' : 'denied'
}

/**
 * Reports this page view once the page has loaded, and with it the banner. `known` is the state where the site knows it without
 * a banner.
 */
export const loaded = (beacon: Beacon, known?: string) => {
  const report = () => beacon.send([beacon.event('loaded', {}, { state: known || state(beacon) })])
  if (document.readyState === 'complete') report()
  else addEventListener('load', () => setTimeout(report))
}

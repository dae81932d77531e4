// The banners that the tests work as a person does: how to click through each, and what an event then names.

import { c15t } from './banners/c15t.mjs'
import { generic } from './banners/generic.mjs'
import { gpp } from './banners/gpp.mjs'
import { klaro } from './banners/klaro.mjs'
import { orejime } from './banners/orejime.mjs'
import { osano } from './banners/osano.mjs'
import { tarteaucitron } from './banners/tarteaucitron.mjs'
import { tcf } from './banners/tcf.mjs'
import { vanilla } from './banners/vanilla-cookieconsent.mjs'

/** Both pages offer the same services in the same categories; this is what they are in Avow's words. */
export const SERVICES = { chaport: 'preferences', crisp: 'preferences', matomo: 'statistics' }

const clicks = (banner) => ({
  ...banner,
  async acceptAll(page) {
    await page.click(banner.accept)
    await banner.after?.(page)
  },
  async rejectAll(page) {
    await page.click(banner.reject)
    await banner.after?.(page)
  },
})

/** Those that `/beacon.js` holds, and that the tests of the whole of Avow take. */
export const BANNERS = [vanilla, klaro].map(clicks)

/** All of them. */
export const ALL = [...BANNERS, ...[tcf, gpp, generic, tarteaucitron, osano, orejime, c15t].map(clicks)]

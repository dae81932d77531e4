// `/beacon.js`: the banner that `data-adapter` names, or whichever turns up. It holds two adapters; for any other it puts the
// script of that banner, which lies beside it, into the page.

import { klaro, type Klaro } from '../adapters/klaro.ts'
import { vanillaCookieConsent } from '../adapters/vanilla-cookieconsent.ts'
import { arrival } from './arrival.ts'
import { beside, running, script } from './tag.ts'

const page = window as any
const { adapter } = script.dataset

/** Banners by the global that gives them away. The two interfaces come last: a banner of its own may offer them too. */
const GLOBALS: Record<string, string> = {
  tarteaucitron: 'tarteaucitron',
  cookieconsent: 'osano',
  orejime: 'orejime',
  c15tStore: 'c15t',
  __tcfapi: 'tcf',
  __gpp: 'gpp',
}

/** `data-adapter` names one, or `none`; without it whichever banner turns up is watched. */
const wants = (name: string) => (adapter || name) === name

if (wants('vanilla-cookieconsent')) vanillaCookieConsent(running)
if (wants('klaro')) arrival(() => page.klaro?.addEventListener && (page.klaro as Klaro), (api) => klaro(running, api))
if (!adapter) arrival(() => !page.CookieConsent && !page.klaro && Object.keys(GLOBALS).find((name) => page[name]), (name) => beside(GLOBALS[name]!))
else if (!/^(vanilla-cookieconsent|klaro|none)$/.test(adapter)) beside(adapter)

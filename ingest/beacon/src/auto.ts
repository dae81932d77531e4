// The script tag, `/beacon.js`: configured by its own `data-` attributes, with the adapters of whichever banner turns up.

import { klaro } from './adapters/klaro.ts'
import { vanillaCookieConsent } from './adapters/vanilla-cookieconsent.ts'
import { fromScript } from './config.ts'
import { beacon } from './core.ts'

// A module has no current script: then it is the one that names a site.
const script = (document.currentScript ?? document.querySelector('script[data-site]')) as HTMLScriptElement
const answered = (detail: unknown) => dispatchEvent(new CustomEvent('avow:answered', { detail }))
const running = beacon({ ...fromScript(script), answered })
/** `data-adapter` names one, or `none`; without it whichever banner turns up is watched. */
const wants = (name: string) => (script.dataset.adapter || name) === name

if (wants('vanilla-cookieconsent')) vanillaCookieConsent(running)

if (wants('klaro')) {
  // Klaro tells nobody that it has come: look after each script that has loaded, and when the document is parsed.
  let found = false
  const look = () => {
    const api = (window as any).klaro
    if (found || !api?.addEventListener) return
    found = true
    klaro(running, api)
  }
  look()
  document.addEventListener('load', look, true)
  document.addEventListener('readystatechange', look)
}

;(window as any).avow = running

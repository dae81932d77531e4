// vanilla-cookieconsent 3. Its callbacks are not used for choices: `onConsent` is called again on every page load,
// `onFirstConsent` and `onChange` both for one click in opt-out mode, none for a choice that changes nothing. What counts
// is the click on one of its buttons, and what it has stored when the click has gone through.

import type { Beacon } from '../core.ts'
import type { Answer, Method, StoredChoice } from '../event.ts'

/** The part of the banner's public interface that is used here. */
export interface CookieConsent {
  getCookie(): {
    categories?: string[]
    services?: Record<string, string[]>
    consentId?: string
    languageCode?: string
    expirationTime?: number
    data?: { avow?: string } | null
  }
  getConfig(field: string): any
  setCookieData(data: { value: object; mode: 'update' }): boolean
  validConsent(): boolean
}

/** By `data-role` of the banner's own buttons and `data-cc` of a page's, less `accept-`; `x` is the close button. */
const METHODS: Record<string, Method> = { all: 'accept_all', necessary: 'reject_all', save: 'save', custom: 'save', x: 'dismiss' }

/** Watches the banner given, or else the global `CookieConsent` once it is there. */
export const vanillaCookieConsent = (beacon: Beacon, given?: CookieConsent) => {
  let api: CookieConsent

  /** Reads the banner's record. Read-only categories are no answers, save that `necessary` is named. */
  const stored = (): StoredChoice | undefined => {
    const { categories, services, consentId, languageCode, expirationTime, data } = api.getCookie()
    if (!categories) return
    const answers: Answer[] = []
    for (const [name, category] of Object.entries<any>(api.getConfig('categories'))) {
      if (category.readOnly && name !== 'necessary') continue
      const offered = category.readOnly ? [] : Object.keys(category.services ?? {})
      if (!offered[0]) answers.push([[name], '', categories.includes(name)])
      for (const service of offered) answers.push([[name], service, !!services?.[name]?.includes(service)])
    }
    return { answers, subject: consentId, previous: data?.avow, expires: expirationTime, language: languageCode }
  }

  /** As the banner resolves it: detected, in full or by its first two letters, if there is a translation. */
  const language = () => {
    const { default: otherwise, autoDetect, translations } = api.getConfig('language')
    const wanted = autoDetect && (autoDetect === 'browser' ? navigator.language : document.documentElement.lang)
    return [wanted, wanted?.slice(0, 2)].find((code) => code in translations) ?? otherwise
  }

  const attach = () => {
    api ??= given ?? (window as any).CookieConsent
    if (api) beacon.banner = { root: '#cc-main,[data-cc]', stored, language }
  }

  const show = (modal: string) => {
    attach()
    const valid = api.validConsent()
    const kind = valid ? 'renewal' : api.getCookie().consentId ? 'changed' : 'first'
    beacon.asked(modal === 'consentModal' ? kind : 'user_opened', valid)
  }

  addEventListener('cc:onModalReady', attach)
  addEventListener('cc:onConsent', attach)
  addEventListener('cc:onModalShow', (shown: any) => show(shown.detail.modalName))
  addEventListener('cc:onModalHide', beacon.closed)
  // On the way back up from the button, after the banner has stored its choice.
  addEventListener('click', ({ target }) => {
    const button = (target as Element).closest?.<HTMLElement>('[data-role],[data-cc],.cm__btn--close')
    const does = button ? button.dataset.cc || button.dataset.role || 'x' : ''
    const kept = beacon.chosen(METHODS[does.replace('accept-', '')], button?.closest('.pm') ? 2 : 1)
    if (kept) api.setCookieData({ value: { avow: kept[1] }, mode: 'update' })
  })
  attach()
  if (document.querySelector('.show--consent')) show('consentModal')
}

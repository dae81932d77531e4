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

/** Watches the banner that `api` gives, by default the global one. It is asked for only when the banner does something. */
export const vanillaCookieConsent = (beacon: Beacon, api = (): CookieConsent => (window as any).CookieConsent) => {
  /** Reads the banner's record. Read-only categories are no answers, save that `necessary` is named. */
  const stored = (): StoredChoice | undefined => {
    const { categories, services, consentId: subject, languageCode: language, expirationTime: expires, data } = api().getCookie()
    if (!categories) return
    const all = api().getConfig('categories')
    const answers: Answer[] = []
    for (const name in all) {
      const { readOnly, services: offered = {} } = all[name]
      const asked = readOnly ? [] : Object.keys(offered)
      for (const service of asked) answers.push([[name], service, !!services?.[name]?.includes(service)])
      if (!asked[0] && (!readOnly || name === 'necessary')) answers.push([[name], '', categories.includes(name)])
    }
    return { answers, subject, previous: data?.avow, expires, language }
  }

  /** As the banner resolves it: detected, in full or by its first two letters, if there is a translation. */
  const language = () => {
    const { default: otherwise, autoDetect, translations } = api().getConfig('language')
    const wanted = autoDetect === 'browser' ? navigator.language : autoDetect && document.documentElement.lang
    return [wanted, wanted?.slice(0, 2)].find((code) => code in translations) || otherwise
  }

  const show = (modal: string) =>
    beacon.asked(modal !== 'consentModal' ? 'user_opened' : api().validConsent() ? 'renewal' : api().getCookie().consentId ? 'changed' : 'first')

  beacon.banner = { root: '#cc-main,[data-cc]', stored, language }
  addEventListener('cc:onModalShow', (shown: any) => show(shown.detail.modalName))
  addEventListener('cc:onModalHide', beacon.closed)
  // On the way back up from the button, after the banner has stored its choice.
  addEventListener('click', ({ target }) => {
    const button = (target as Element).closest<HTMLElement>('[data-role],[data-cc],[data-avow],.cm__btn--close')
    if (!button) return
    const { role = 'x', cc = role } = button.dataset
    const kept = beacon.chosen(METHODS[cc.replace('accept-', '')], button.closest('.pm') ? 2 : 1)
    if (kept) api().setCookieData({ value: { avow: kept[1] }, mode: 'update' })
  })
  if (document.querySelector('.show--consent')) show('consentModal')
}

// Osano's open-source Cookie Consent 3 (npm `cookieconsent`). One yes or no to everything, kept as a word in a cookie:
// `allow`, `deny` or `dismiss`. Its callbacks belong to the site's own options, so that what counts is the click and the word
// that stands in the cookie after it. A choice is taken back by its small tab, which forgets the word at once.

import type { Beacon } from '../core.ts'
import type { Answer, Method, StoredChoice } from '../event.ts'
import type { Told } from '../told.ts'
import { up } from '../up.ts'

/** As long as its cookie, unless the site says otherwise. */
export const DAYS = 365

const METHODS: Record<string, Method> = { allow: 'accept_all', deny: 'reject_all', dismiss: 'dismiss' }

export const ROOT = '.cc-window,.cc-revoke'

/** Watches the banner. `asks` of the configuration says what its yes is to; `to` is `told(beacon, DAYS)`, `root` being `ROOT`. */
export const osano = ({ config: { asks = 'preferences statistics marketing' } }: Beacon, to: Told, cookie = 'cookieconsent_status') => {
  const status = () => RegExp(`(?:^|; )${cookie}=(allow|deny|dismiss)`).exec(document.cookie)?.[1]
  const answers = (granted: boolean) => asks.split(' ').map((name): Answer => [[name], '', granted])
  /** A word is what was answered; `dismiss` answers nothing, and what that means is for the site to say. */
  const choice = (word = ''): StoredChoice => ({
    answers: word === 'dismiss' ? [] : answers(word === 'allow'),
    expires: word ? Date.now() + DAYS * 864e5 : undefined,
  })

  if (status()) to.found(choice(status()))
  up('.cc-window', to.opened)
  addEventListener('click', ({ isTrusted, target }: MouseEvent & { target: any }) => {
    const button = isTrusted && target.closest('.cc-btn,.cc-close,.cc-revoke')
    const word = status()
    if (button?.matches('.cc-revoke')) to.chose(choice(), [null, 1])
    else if (button && word) to.chose(choice(word), [METHODS[word]!, 1])
  })
}

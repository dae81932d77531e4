// c15t 2, by its store (`window.c15tStore`), which all its interfaces share; the buttons are those of `@c15t/react`. It stores a
// choice a little after the click, once it has a fingerprint of its policy, and sets a time on it each time. Its own id of the
// visitor is no UUID.

import type { Beacon } from '../core.ts'
import type { Answer, Method, StoredChoice } from '../event.ts'
import type { Told } from '../told.ts'

interface State {
  consents: Record<string, boolean>
  consentTypes: { name: string; disabled?: boolean }[]
  consentCategories: string[]
  consentInfo?: { time: number } | null
  activeUI?: string
}

/** The part of the store that is used here. */
export interface Store {
  getState(): State
  subscribe(listener: (state: State) => void): void
}

/** Its cookie's. */
export const DAYS = 365

export const ROOT = '[data-testid^=consent-]'
export const SECOND = '[data-testid^=consent-dialog],[data-testid^=consent-widget]'
export const BUTTONS: Record<string, Method> = {
  '[data-testid$=accept-button]': 'accept_all', '[data-testid$=reject-button]': 'reject_all', '[data-testid$=save-button]': 'save',
}

/** Watches the store given. `to` is `told(beacon, DAYS)`, with `ROOT`, `SECOND` and `BUTTONS` in the configuration. */
export const c15t = (beacon: Beacon, to: Told, { getState, subscribe }: Store) => {
  const read = ({ consents, consentTypes, consentCategories }: State): StoredChoice => {
    const asked = consentTypes.filter(({ name, disabled }) => !disabled && consentCategories.includes(name))
    return { answers: asked.map(({ name }): Answer => [[name], '', !!consents[name]]), expires: Date.now() + DAYS * 864e5 }
  }
  let time: number | undefined
  let shown: string | undefined
  const look = (state: State, first = false) => {
    const { activeUI, consentInfo } = state
    if (consentInfo?.time !== time) {
      time = consentInfo?.time
      if (time) first ? to.found(read(state)) : to.chose(read(state))
    }
    if (activeUI !== shown && activeUI === 'banner') to.opened(read(state), 'changed')
    if (activeUI === 'dialog') beacon.asked('user_opened')
    if (activeUI === 'none') beacon.closed()
    shown = activeUI
  }
  look(getState(), true)
  subscribe((state) => look(state))
}

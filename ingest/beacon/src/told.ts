// For interfaces that say when a banner comes up and when a choice is stored, but not who chose nor by which button: the CMP
// APIs of the TCF and GPP, Consent Mode, a page's own events. Whether a person did it is for `presses.ts` to find out; the
// subject lies in a cookie of its own, `record.ts`, because such an interface keeps nothing for others.

import type { Beacon } from './core.ts'
import type { PromptKind, StoredChoice } from './event.ts'
import { presses, type Pressed } from './presses.ts'
import { keep, recall } from './record.ts'

export interface Told {
  /** The banner is up; `choice` is what it shows, if it has kept one, and `again` why it then asks again. */
  opened(choice?: StoredChoice, again?: PromptKind): void
  /** A choice of earlier was found, or something that was no person's act has stored one. */
  found(choice?: StoredChoice): void
  /** A choice was stored just now: a decision if a person can have made it, or if the adapter knows that one did, and how. */
  chose(choice?: StoredChoice, known?: Pressed): void
}

/** Tells `beacon` of a banner by such an interface. `days` is how long its choices last, where they do not say. */
export const told = (beacon: Beacon, days: number): Told => {
  const human = presses(beacon.config)
  let now: StoredChoice | undefined

  const stored = (): StoredChoice | undefined => {
    const [subject, previous] = recall()
    // Without `now` the choice was made in another tab, since this page was loaded: its subject counts.
    return now || previous ? { answers: [], ...now, subject, previous } : undefined
  }

  beacon.banner = { root: beacon.config.root ?? ':not(*)', stored, language: () => undefined }
  return {
    opened(choice, again = 'renewal') {
      if (recall()[1]) now ??= choice
      beacon.asked(now ? again : 'first')
    },
    found(choice) {
      now = choice
    },
    chose(choice, known) {
      const pressed = known ?? human()
      if (pressed) beacon.act()
      now = choice
      if (pressed) keep(beacon.chosen(...pressed), choice?.expires ?? Date.now() + days * 864e5)
      beacon.closed()
    },
  }
}

// Events that were not acknowledged outlive their page. They wait in localStorage, and only once something beyond what is
// necessary was granted: before that, storage is neither written nor read. An event is written down when it is made, since a
// page that is closed hears of no failure, and struck out when the server has answered.

import type { Beacon } from './core.ts'
import type { ConsentEvent } from './event.ts'

const KEY = 'avow-queue'
const MOST_EVENTS = 50
/** A UTF-16 unit is at most 3 bytes of UTF-8: this keeps what waits below 60 kB. */
const MOST_CHARS = 2e4
const MOST_MS = 864e5
/** Banners come when they like: they are asked when the page has loaded, and once more. */
const LATER_MS = 3000

/** Keeps the events of `beacon` that have no answer, and sends those of earlier pages. Start it before the first choice. */
export const retry = ({ choice, config, send }: Beacon) => {
  const { answered, sending } = config
  /** The ids of earlier pages' events that this one has sent again: they are not new. */
  let resent: string[] | undefined

  const granted = () => {
    try {
      const { categories, services, purposes } = choice()
      return Object.values({ ...categories, necessary: false, ...services, ...purposes }).includes(true)
    } catch {
      return false
    }
  }
  const waiting = (): ConsentEvent[] => {
    try {
      const events = JSON.parse(localStorage[KEY]) as ConsentEvent[]
      return events.filter(({ occurred_at }) => Date.now() - Date.parse(occurred_at) < MOST_MS)
    } catch {
      return [] // None, or what nobody can read.
    }
  }
  const keep = (events: ConsentEvent[]) => {
    events = events.slice(-MOST_EVENTS)
    while (JSON.stringify(events).length > MOST_CHARS) events.shift()
    try {
      if (events[0]) localStorage[KEY] = JSON.stringify(events)
      else delete localStorage[KEY]
    } catch {} // Full, or forbidden: then nothing waits.
  }

  const again = (events: ConsentEvent[]) => {
    resent = events.map(({ id }) => id)
    if (events[0]) send(events)
  }
  const resend = () => {
    if (!resent && granted()) again(waiting())
  }

  config.sending = (events) => {
    const made = events.filter(({ id }) => !resent?.includes(id))
    if (made[0]) sending?.(made)
    if (granted()) keep([...waiting(), ...made])
    else if (made.some(({ type }) => type === 'withdrawn')) {
      // Everything is taken back: what waits has one more try, and nothing is kept.
      again(waiting())
      keep([])
    }
  }
  config.answered = (answer, events) => {
    answered?.(answer, events)
    const done = events.filter(({ id }) => !answer.rejected?.some((one) => one.id === id && one.code === 'quota_exceeded'))
    if (granted()) keep(waiting().filter(({ id }) => !done.some((one) => one.id === id)))
  }

  const loaded = () => [0, LATER_MS].forEach((ms) => setTimeout(resend, ms))
  if (document.readyState === 'complete') loaded()
  else addEventListener('load', loaded)
}

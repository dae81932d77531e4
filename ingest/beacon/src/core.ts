// The core: one page view, at most one prompt at a time, and events that only a person's act can cause.
//
// An act is a trusted click (mouse, touch or keyboard; never `element.click()`) inside the banner. While that click is
// being dispatched, and only then, an adapter may turn what the banner did into events: so the calls a banner makes on
// every page load, grants by default, and a site's own scripts give none.

import { change, choice } from './choice.ts'
import type { Config } from './config.ts'
import type { ConsentEvent, Method, PromptKind, StoredChoice } from './event.ts'
import { eventId, randomId } from './ids.ts'
import { sender } from './sender.ts'

/** What an adapter tells the core about its banner. */
export interface Banner {
  /** CSS selector of everything the banner draws. */
  root: string
  /** The choice that the banner has stored; nothing if there is none. */
  stored(): StoredChoice | undefined
  /** The language that the banner is speaking. */
  language(): string | undefined
}

export interface Beacon {
  /** The banner of this page, set by its adapter. */
  banner?: Banner
  /**
   * The banner is up, and why. A `renewal` within a second after a click was opened by the visitor. A prompt that still
   * waits for its answer goes on waiting.
   */
  asked(kind: PromptKind): void
  /** A part of the banner was closed: one that the visitor had opened is done with. */
  closed(): void
  /**
   * The person has chosen, and the banner has stored it. Does nothing outside a trusted click in the banner, and only
   * once per click. `method` may be left undefined for a button that `data-avow` names.
   * @returns the subject and the last event's id, for the banner to keep; nothing if this was no act, or changed nothing
   */
  chosen(method: Method | undefined, layer: number): [subject: string, id: string] | undefined
}

interface Prompt {
  kind: PromptKind
  since: number
  clicks: number
}

/** The click being dispatched: the prompt it answers, what was stored before it, and the method its button is marked with. */
interface Act {
  prompt: Prompt
  before?: StoredChoice
  marked?: Method
}

/** How long after a click an opening banner counts as opened by it, in milliseconds. */
const GESTURE_MS = 1000

const MARK = '[data-avow]'

const iso = (time: number) => new Date(time).toISOString()

const begin = (kind: PromptKind): Prompt => ({ kind, since: performance.now(), clicks: 0 })

/** Runs once the page can be seen: one that is prerendered or in a background tab has shown nothing to anybody. */
const whenVisible = (run: () => void) => {
  if (document.hidden) addEventListener('visibilitychange', () => whenVisible(run), { once: true })
  else run()
}

export const beacon = (config: Config): Beacon => {
  const send = sender(config)
  const view = randomId()
  let shown = config.shown === 'off'
  let prompt: Prompt | undefined
  let lastStamp = 0
  let lastClick = -GESTURE_MS
  let act: Act | undefined

  const stored = () => self.banner?.stored()
  const words = ({ answers }: StoredChoice) => choice(answers, config.categories, config.services)

  const event = (type: ConsentEvent['type'], by: Partial<StoredChoice>, more: Partial<ConsentEvent>) =>
    ({
      id: eventId(),
      site: config.site,
      type,
      subject: by.subject,
      view,
      occurred_at: iso(Date.now()),
      ...more,
      banner: {
        ...config.banner,
        language: config.banner?.language || by.language || self.banner?.language() || document.documentElement.lang,
      },
      regime: config.regime,
      page: new URL(config.page || location.pathname, location.href).href,
    }) as ConsentEvent

  const self: Beacon = {
    asked(kind) {
      if (prompt) return
      if (kind === 'renewal' && performance.now() - lastClick < GESTURE_MS) kind = 'user_opened'
      const current = (prompt = begin(kind))
      if (kind !== 'user_opened') whenVisible(() => {
        current.since = performance.now()
        if (!shown) send([event('shown', stored() ?? {}, { prompt: kind, layer: 1 })])
        shown = true
      })
    },
    closed() {
      if (prompt?.kind === 'user_opened') prompt = undefined
    },
    chosen(method, layer) {
      method = act?.marked || method
      const by = act && method && stored()
      if (!by) return
      const { before, prompt: { kind, since, clicks } } = act!
      act = prompt = undefined
      by.subject ||= before?.subject || randomId()
      const after = words(by)
      const { withdrawn, decided }: ReturnType<typeof change> =
        kind === 'user_opened' && before ? change(words(before), after) : { decided: true }
      const events: ConsentEvent[] = []
      let previous = before?.previous
      const add = (type: ConsentEvent['type'], more: Partial<ConsentEvent>) => {
        const effort = { clicks, ms: (performance.now() - since) | 0 }
        const added = event(type, by, { prompt: kind, layer, effort, previous, ...more })
        previous = added.id
        events.push(added)
      }
      if (withdrawn) add('withdrawn', withdrawn)
      if (decided) add('decided', { method, ...after, expires_at: by.expires ? iso(by.expires) : undefined })
      send(events)
      if (events[0]) return [by.subject, previous!]
    },
  }

  addEventListener('click', ({ isTrusted, timeStamp, target }) => {
    if (!isTrusted) return
    // A click on a label comes a second time, from the control it labels, with the same time: it is one click.
    const again = timeStamp === lastStamp
    lastStamp = timeStamp
    // Not the time stamp: on a busy page a click may wait for long before it is dispatched.
    lastClick = performance.now()
    const element = target as Element
    const marked = element.closest<HTMLElement>(MARK)
    if (!self.banner || (!marked && !element.closest(self.banner.root))) return
    act = { prompt: prompt ?? begin('user_opened'), before: stored(), marked: marked?.dataset.avow as Method }
    if (!again) act.prompt.clicks++
    // No timer runs while a click is being dispatched.
    setTimeout(() => (act = undefined))
  }, true)

  return self
}

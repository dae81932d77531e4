// The core: one page view, at most one prompt at a time, and events that only a person's act can cause.
//
// An act is a trusted click (mouse, touch or keyboard; never `element.click()`) inside the banner. While that click is
// being dispatched, and only then, an adapter may turn what the banner did into events: so the calls a banner makes on
// every page load, grants by default, and a site's own scripts give none.

import { change, choice, type Choice } from './choice.ts'
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
  /** As it was started. `sending` and `answered` may be set by whoever adds to events, or keeps them. */
  config: Config
  /** The banner of this page, set by its adapter. */
  banner?: Banner
  /** The stored choice in Avow's words, empty without one. Fails where the banner is not ready. */
  choice(): Choice
  /** An event of this page view, not yet sent. */
  event(type: ConsentEvent['type'], by: Partial<StoredChoice>, more: Partial<ConsentEvent>): ConsentEvent
  /** Posts events before the task is over. */
  send(events: ConsentEvent[]): void
  /**
   * The banner is up, and why. A `renewal` within a second after a click was opened by the visitor. A prompt that still
   * waits for its answer goes on waiting.
   */
  asked(kind: PromptKind): void
  /** A part of the banner was closed: one that the visitor had opened is done with. */
  closed(): void
  /**
   * Begins an act that the core could not see: in a frame, or one whose result the banner stores later. The adapter must
   * know that a person did it, and `stored` must still tell the choice before. It ends with the current task.
   */
  act(): void
  /**
   * The person has chosen, and the banner has stored it. Does nothing outside a trusted click in the banner, and only
   * once per click. `method` is null where nobody can know which button it was, and undefined where it was none, unless
   * `data-avow` names it.
   * @returns the subject and the last event's id, for the banner to keep; nothing if this was no act, or changed nothing
   */
  chosen(method: Method | null | undefined, layer: number): [subject: string, id: string] | undefined
}

interface Prompt {
  type: PromptKind
  /** When it came up, by the page's clock. */
  at: number
  clicks: number
}

/** How long after a click an opening banner counts as opened by it, in milliseconds. */
const GESTURE_MS = 1000

const begin = (type: PromptKind): Prompt => ({ type, at: performance.now(), clicks: 0 })

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
  let lastClick = NaN
  /** What the click that is being dispatched may still cause, once. */
  let act: Beacon['chosen'] | undefined

  const stored = () => self.banner?.stored()
  const words = ({ answers, purposes }: StoredChoice): Choice => ({ ...choice(answers, config.categories, config.services), purposes })

  const event: Beacon['event'] = (type, by, more) =>
    ({
      id: eventId(),
      site: config.site,
      type,
      subject: by.subject,
      view,
      occurred_at: new Date().toISOString(),
      ...more,
      banner: {
        language: by.language || self.banner?.language() || document.documentElement.lang,
        ...config.banner,
      },
      regime: config.regime,
      page: location.origin + (config.page || location.pathname),
    }) as ConsentEvent

  /** An act begins, with what is stored before it, and ends with the task: no timer runs while a click is dispatched. */
  const begun = (marked?: Method) => {
    const answering = prompt ?? begin('user_opened')
    const before = stored()
    act = (method, layer) => {
      method = marked || method
      const by = method !== undefined && stored()
      if (!by) return
      act = prompt = undefined
      const { type: kind, at, clicks } = answering
      by.subject ||= before?.subject || randomId()
      const after = words(by)
      const [withdrawn, decided] = kind === 'user_opened' && before ? change(words(before), after) : [, true]
      const events: ConsentEvent[] = []
      let previous = before?.previous
      const add = (type: ConsentEvent['type'], more: Partial<ConsentEvent>) => {
        const effort = { clicks, ms: (performance.now() - at) | 0 }
        const added = event(type, by, { prompt: kind, layer, effort, previous, ...by.also, ...more })
        previous = added.id
        events.push(added)
      }
      if (withdrawn) add('withdrawn', withdrawn)
      if (decided) add('decided', { method, ...after, expires_at: (by.expires && new Date(by.expires).toISOString()) as string })
      send(events)
      if (events[0]) return [by.subject, previous!]
    }
    setTimeout(() => (act = undefined))
    return answering
  }

  const self: Beacon = {
    config,
    event,
    send,
    act: begun,
    asked(kind) {
      if (prompt) return
      if (kind === 'renewal' && performance.now() - lastClick < GESTURE_MS) kind = 'user_opened'
      const current = (prompt = begin(kind))
      if (kind !== 'user_opened') whenVisible(() => {
        current.at = performance.now()
        if (!shown) send([event('shown', stored() ?? {}, { prompt: kind, layer: 1 })])
        shown = true
      })
    },
    closed() {
      if (prompt?.type === 'user_opened') prompt = undefined
    },
    choice: () => words({ answers: [], ...stored() }),
    chosen: (method, layer) => act?.(method, layer),
  }

  addEventListener('click', ({ isTrusted, timeStamp, target }: MouseEvent & { target: any }) => {
    if (!isTrusted) return
    // Not the time stamp: on a busy page a click may wait for long before it is dispatched.
    lastClick = performance.now()
    const marked = target.closest('[data-avow]')
    if (!self.banner || (!marked && !target.closest(self.banner.root))) return
    const answered = begun(marked?.dataset.avow as Method)
    // A click on a label comes a second time, from the control it labels, with the same time: it is one click.
    if (lastStamp < (lastStamp = timeStamp)) answered.clicks++
  }, true)

  return self
}

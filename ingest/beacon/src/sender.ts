// From an event to the server's 202: batches, keepalive, repeats with the same ids. Nothing is stored: what has no 202
// when the page dies has had its last try at `pagehide`.

import type { Config } from './config.ts'
import type { Answered, ConsentEvent } from './event.ts'

/**
 * Browsers refuse a keepalive body above 65,535 bytes. A UTF-16 unit is at most 3 bytes of UTF-8, so this many leave room
 * for the envelope and each event's `sent_at`.
 */
const BATCH_CHARS = 18e3
/** Longest wait between two tries of our own choosing, in seconds. A server's Retry-After may be longer. */
const MAX_WAIT = 60

/** Halves a queue until each part may be sent with keepalive. */
export const batches = (events: ConsentEvent[]): ConsentEvent[][] => {
  if (!events[1] || JSON.stringify(events).length < BATCH_CHARS) return [events]
  const half = events.length >> 1
  return [...batches(events.slice(0, half)), ...batches(events.slice(half))]
}

/** Starts a sender. What it returns queues events; they leave before the current task ends, unless the server asked to wait. */
export const sender = (config: Config) => {
  let queue: ConsentEvent[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let wait = 0

  const later = (events: ConsentEvent[], seconds = 0) => {
    if (!events[0]) return
    queue = events.concat(queue)
    wait = seconds || Math.min(wait * 2 || 1, MAX_WAIT)
    clearTimeout(timer)
    timer = setTimeout(flush, wait * 1000)
  }

  const answered = async (answer: Response, events: ConsentEvent[]) => {
    // In seconds, as our server says it. A date, which a proxy may send, is none: then the wait is our own.
    const after = +answer.headers.get('retry-after')!
    if (answer.status === 429 || answer.status > 499) return later(events, after)
    wait = 0
    // No JSON is no answer: nothing is rejected, nothing receipted.
    const said: Answered = await answer.json().catch(() => '')
    config.answered?.(said, events)
    later(events.filter(({ id }) => said.rejected?.some((one) => one.id === id && one.code === 'quota_exceeded')), after)
  }

  const post = (events: ConsentEvent[]) => {
    const sent_at = new Date().toISOString()
    // A string goes out as text/plain, which needs no preflight. A JSON blob would need one, and be lost with the page.
    const body = JSON.stringify({ events: events.map((event) => ({ ...event, sent_at })) })
    const beacon = () => navigator.sendBeacon(config.endpoint, body) || later(events)
    if (!('keepalive' in Request.prototype)) return beacon()
    fetch(config.endpoint, { method: 'POST', body, keepalive: body.length < 6e4, credentials: 'omit' }).then(
      (response) => answered(response, events),
      () => (document.hidden ? beacon() : later(events)),
    )
  }

  const flush = () => {
    timer = clearTimeout(timer) as undefined
    if (queue[0]) batches(queue.splice(0)).forEach(post)
  }

  addEventListener('pagehide', flush)
  addEventListener('visibilitychange', () => document.hidden && flush())

  return (events: ConsentEvent[]) => {
    queue.push(...events)
    queueMicrotask(() => {
      config.sending?.(events)
      timer ?? flush()
    })
  }
}

// Any other banner, by configuration: the page's own events and state. `on` and `opens` name DOM events of document or window,
// separated by spaces; `state` says where the choice then stands: `path.in.window`, `event:path.in.the.event` or `cookie:name`.
// It may be an object of flags, a list of what is granted, or either as text.

import type { Beacon } from '../core.ts'
import type { Answer, StoredChoice } from '../event.ts'
import type { Told } from '../told.ts'
import { up } from '../up.ts'

export const DAYS = 365

const follow = (path: string, from: any) => path.split('.').reduce((at, name) => at?.[name], from)

const cookie = (name: string) => {
  const found = document.cookie.split('; ').find((one) => one.startsWith(name + '='))
  return found && decodeURIComponent(found.slice(name.length + 1))
}

/** Flags by name of whatever a banner writes. Text is JSON, or a list: `,C0001,C0003,` or `C0001:1,C0003:0`. */
export const flags = (value: any): Record<string, boolean> => {
  if (value.split) value = /^[[{]/.test(value) ? JSON.parse(value) : value.split(/[\s,;|]+/).filter(Boolean)
  if (Array.isArray(value)) value = Object.fromEntries(value.map((one) => (one + ':1').split(/[:=]/)))
  const granted = (one: any) => /^(true|1|yes|allow(ed)?|granted|accepted|opt_in)$/.test(one)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, granted(one)]))
}

/** Watches the page as the configuration says. `to` is `told(beacon, DAYS)`. */
export const generic = ({ config: { root, on = '', opens = '', state = '', asks, services = {} } }: Beacon, to: Told) => {
  const [, kind, path] = /^(?:(event|cookie):)?(.*)/.exec(state)!
  /** Names that `services` renames are services, all others categories; of what is asked for, what is absent is refused. */
  const read = (event?: Event): StoredChoice | undefined => {
    const value = kind === 'cookie' ? cookie(path!) : follow(path!, kind ? event : window)
    if (value == null) return
    const granted = flags(value)
    const names = asks?.split(' ') ?? Object.keys(granted)
    return { answers: names.map((name): Answer => (name in services ? [[], name, !!granted[name]] : [[name], '', !!granted[name]])) }
  }
  const listen = (names: string, then: (event: Event) => void) => {
    // Captured, so that an event that does not bubble, or is stopped, is seen too.
    for (const name of names.split(' ').filter(Boolean)) addEventListener(name, then, true)
  }

  if (kind === 'cookie' && read()) to.found(read())
  listen(on, (event) => to.chose(read(event)))
  listen(opens, () => to.opened())
  if (!opens && root) up(root, to.opened)
}

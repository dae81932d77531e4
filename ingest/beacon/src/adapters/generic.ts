// Any other banner, by configuration: the page's own events and state. `on` and `opens` name DOM events of document or window,
// separated by spaces; `state` says where the choice then stands: `path.in.window`, `event:path.in.the.event` or `cookie:name`.
// It may be an object of flags, a list of what is granted, or either as text. Where the flags lie deeper in each of the object's
// members, a second path says where: `event:detail.services consent.given`.

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

/** Flags by name of whatever a banner writes, `each` of them at a path. Text is JSON, or a list: `,C0001,C0003,` or `C0001:1,C0003:0`. */
export const flags = (value: any, each?: string): Record<string, boolean> => {
  if (value.split) value = /^[[{]/.test(value) ? JSON.parse(value) : value.match(/[^\s,;|]+/g) ?? []
  const entries: any[][] = Array.isArray(value) ? value.map((one) => (one + ':1').split(/[:=]/)) : Object.entries(value)
  return Object.fromEntries(entries.map(([name, one]) =>
    [name, /^(true|1|yes|allow(ed)?|granted|accepted|opt_in)$/.test(each ? follow(each, one) : one)]))
}

/** Watches the page as the configuration says. `to` is `told(beacon, DAYS)`. */
export const generic = ({ config: { root, on = '', opens = '', state = '', asks, services = {} } }: Beacon, to: Told) => {
  const [, kind, path, each] = /^(?:(event|cookie):)?(\S*) ?(.*)/.exec(state)!
  /** Names that `services` renames are services, all others categories; of what is asked for, what is absent is refused. */
  const read = (event?: Event): StoredChoice | undefined => {
    const value = kind === 'cookie' ? cookie(path!) : follow(path!, kind ? event : window)
    if (value == null) return
    const granted = flags(value, each)
    const names = asks?.split(' ') ?? Object.keys(granted)
    return { answers: names.map((name): Answer => (name in services ? [[], name, !!granted[name]] : [[name], '', !!granted[name]])) }
  }
  const listen = (names: string, then: (event: Event) => void) => {
    // Captured, so that an event that does not bubble, or is stopped, is seen too.
    for (const name of names.split(' ')) addEventListener(name, then, true)
  }

  if (kind === 'cookie' && read()) to.found(read())
  listen(on, (event) => to.chose(read(event)))
  listen(opens, () => to.opened())
  if (!opens && root) up(root, to.opened)
}

// A stored choice in Avow's words, and what became of an earlier one.

import type { Answer, Flags } from './event.ts'

/** A rename: banner's name to slug; an empty slug leaves the name out of every event. */
export type Renames = Record<string, string>

/** Answers by `categories`, `services` and `purposes`. */
export type Choice = Record<string, Flags | undefined>

/** The usual names of the four categories, as the server maps them too. A site's own category stays as it is. */
const ALIASES = [
  'necessary essential required strictly_necessary',
  'preferences functional functionality preference personalization',
  'statistics analytics analytical performance statistic measurement',
  'marketing ads advertising advertisement targeting',
].map((names) => names.split(' '))

/** A banner's name as a name that the server takes: a banner may call its services what it likes. */
const slug = (name: string) => name.toLowerCase().replace(/[^\w.-]+/g, '-').replace(/^[\W_]+/, '').slice(0, 64)

const category = (name: string) => {
  const own = slug(name).replace(/\W/g, '_')
  return (ALIASES.find((names) => names.includes(own)) ?? [own])[0]!
}

/**
 * Puts answers into Avow's words; renames win over aliases. A category whose answers differ becomes undefined, which JSON
 * leaves out: the server calls it partial by its services.
 */
export const choice = (answers: Answer[], categories: Renames = {}, services: Renames = {}) => {
  const out: { categories: Flags; services: Flags } = { categories: {}, services: {} }
  for (const [names, service, granted] of answers) {
    const add = (flags: Flags, name: string) => {
      if (name) flags[name] = name in flags && flags[name] !== granted ? undefined : granted
    }
    add(out.services, services[service] ?? slug(service))
    for (const name of names) add(out.categories, categories[name] ?? category(name))
  }
  return out
}

/**
 * What a visitor changed who came back to her choice. `withdrawn` names with false what was granted before and is refused
 * now, and is absent if that is nothing. `decided` is true if she also granted something: that takes an event of its own.
 */
export const change = (before: Choice, after: Choice): [withdrawn?: Choice, decided?: boolean] => {
  let withdrawn: Choice | undefined
  let decided = false
  for (const part in after)
    for (const slug in after[part]) {
      const was = before[part]?.[slug]
      const is = after[part]![slug]
      if (is) decided ||= !was
      else if (was && is === false) ((withdrawn ??= {})[part] ??= {})[slug] = is
    }
  return [withdrawn, decided]
}

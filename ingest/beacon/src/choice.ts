// A stored choice in Avow's words, and what became of an earlier one.

import type { Answer, Flags } from './event.ts'

/** A rename: banner's name to slug; an empty slug leaves the name out of every event. */
export type Renames = Record<string, string>

export interface Choice {
  categories: Flags
  services: Flags
}

/** The usual names of the four categories, as the server maps them too. A site's own category stays as it is. */
const ALIASES: Record<string, RegExp> = {
  necessary: /^(essential|required|strictly_necessary)$/,
  preferences: /^(functional(ity)?|preference|personalization)$/,
  statistics: /^(analytic(s|al)|performance|statistic|measurement)$/,
  marketing: /^(ads|advertis(ing|ement)|targeting)$/,
}

/** A banner's name as a name that the server takes: a banner may call its services what it likes. */
const slug = (name: string) => name.toLowerCase().replace(/[^a-z0-9._-]+/g, '-').replace(/^[^a-z0-9]+/, '').slice(0, 64)

const category = (name: string) => {
  const own = slug(name).replace(/\W/g, '_')
  return Object.keys(ALIASES).find((one) => ALIASES[one]!.test(own)) ?? own
}

/**
 * Puts answers into Avow's words; renames win over aliases. A category whose answers differ becomes undefined, which JSON
 * leaves out: the server calls it partial by its services.
 */
export const choice = (answers: Answer[], categories: Renames = {}, services: Renames = {}): Choice => {
  const out: Choice = { categories: {}, services: {} }
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
export const change = (before: Choice, after: Choice): { withdrawn?: Choice; decided?: boolean } => {
  const refused: Choice = { categories: {}, services: {} }
  let withdrawn: Choice | undefined
  let decided = false
  for (const part of ['categories', 'services'] as const)
    for (const slug in after[part]) {
      const was = before[part][slug]
      const is = after[part][slug]
      if (is) decided ||= !was
      else if (was && is === false) (withdrawn = refused)[part][slug] = is
    }
  return { withdrawn, decided }
}

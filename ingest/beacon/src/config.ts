// Configuration: an object, or the `data-` attributes of the script tag.

import type { Renames } from './choice.ts'
import type { Answered, ConsentEvent, Method } from './event.ts'

export interface Config {
  /** The site's key, as the server knows it. */
  site: string
  /** Where events go. */
  endpoint: string
  /** What was shown. `language` wins over the banner's own; `text_hash` is `sha256:...` of the banner artefact. */
  banner?: { version?: string; language?: string; variant?: string; text_hash?: string }
  /** `opt_in` (the default), `opt_out`, `notice` or `none`. */
  regime?: string
  /** Sent instead of the path, for a site whose paths hold secrets: `/checkout`. */
  page?: string
  /**
   * Called with each answer of the server and the events it is about: with `?receipt=1` at the endpoint it holds the
   * visitor's receipts. Not called where the server asks for the same again.
   */
  answered?: (answer: Answered, events: ConsentEvent[]) => void
  /** Called with new events before their first try, once the click and what it set off is through: may add to them. */
  sending?: (events: ConsentEvent[]) => void
  /** `off` sends no `shown` events: then nothing at all leaves the page before a choice. */
  shown?: string
  /** For interfaces that do not tell who chose: the banner's selector, its buttons' selectors to methods, the second layer's. */
  root?: string
  buttons?: Record<string, Method>
  second?: string
  /** What the banner asks for, where it does not say itself: categories, separated by spaces. */
  asks?: string
  /** The page's own events and state, for `adapters/generic.ts`. */
  on?: string
  opens?: string
  state?: string
  /** Banner's category to slug. */
  categories?: Renames
  /** Banner's service to slug. */
  services?: Renames
}

/**
 * Reads a script tag. The endpoint is by default `v1/events` beside the script; `data-categories`, `data-services` and
 * `data-buttons` are JSON objects, and one that cannot be read is an error.
 */
export const fromScript = ({ dataset, src }: HTMLOrSVGElement & { src: string }): Config => {
  const { site, endpoint, bannerVersion: version, language, variant, textHash: text_hash, regime, page, shown } = dataset
  const { categories = '{}', services = '{}', root, buttons = '{}', second, asks, on, opens, state } = dataset
  return {
    site: site!,
    endpoint: endpoint || new URL('v1/events', src).href,
    // Without what is absent: an undefined language would hide the banner's own.
    banner: JSON.parse(JSON.stringify({ version, language, variant, text_hash })),
    regime, page, shown, root, second, asks, on, opens, state,
    buttons: JSON.parse(buttons),
    categories: JSON.parse(categories),
    services: JSON.parse(services),
  }
}

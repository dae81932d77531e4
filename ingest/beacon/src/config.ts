// Configuration: an object, or the `data-` attributes of the script tag.

import type { Renames } from './choice.ts'
import type { Answered } from './event.ts'

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
  /** Called with each answer of the server: with `?receipt=1` at the endpoint it holds the visitor's receipts. */
  answered?: (answer: Answered) => void
  /** `off` sends no `shown` events: then nothing at all leaves the page before a choice. */
  shown?: string
  /** Banner's category to slug. */
  categories?: Renames
  /** Banner's service to slug. */
  services?: Renames
}

/**
 * Reads a script tag. The endpoint is by default `v1/events` beside the script; `data-categories` and `data-services` are
 * JSON objects, and one that cannot be read is an error.
 */
export const fromScript = ({ dataset, src }: HTMLOrSVGElement & { src: string }): Config => {
  const { site, endpoint, bannerVersion: version, language, variant, textHash: text_hash, regime, page, shown } = dataset
  const { categories = '{}', services = '{}' } = dataset
  return {
    site: site!,
    endpoint: endpoint || new URL('v1/events', src).href,
    banner: { version, language, variant, text_hash },
    regime, page, shown,
    categories: JSON.parse(categories),
    services: JSON.parse(services),
  }
}

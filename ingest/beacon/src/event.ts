// The shapes that cross between adapters, core and server. The names in `ConsentEvent` are those of the beacon's body in
// `schemas/json`; everything here is types, so nothing of it reaches the bundle.

/** Slug to granted (true) or refused (false). What is absent or undefined was not decided. */
export type Flags = Record<string, boolean | undefined>

/** Why the visitor was looking at the banner. */
export type PromptKind = 'first' | 'renewal' | 'changed' | 'user_opened'

/** The button that was clicked, whatever came of it. */
export type Method = 'accept_all' | 'reject_all' | 'save' | 'dismiss'

/**
 * One answer in the banner's own words: a service in its categories, or, where a banner asks for a category as a whole,
 * that category with an empty service.
 */
export type Answer = [categories: string[], service: string, granted: boolean]

/** What was objected to. It never grants. */
export interface Objections {
  purposes: string[]
  services: string[]
}

/** What the page told others of the choice, as it was set. */
export interface Signals {
  tcf?: string
  gpp?: string
  consent_mode?: Record<string, string>
  gpc?: boolean
}

/** What a banner has stored of a choice. */
export interface StoredChoice {
  answers: Answer[]
  /** The random UUID that the banner keeps with the choice; absent if the banner has kept none yet. */
  subject?: string
  /** The same choice by purpose, in the banner's own vocabulary (`iab-1`). */
  purposes?: Flags
  /** What goes into the event with it, beside the answers. */
  also?: Pick<ConsentEvent, 'objections' | 'signals'>
  /** The id of the event that reported this choice. */
  previous?: string
  /** When the banner will ask again, in milliseconds since 1970. */
  expires?: number
  /** The language the choice was made in. */
  language?: string
}

/** What a visitor keeps to prove her choice, and to ask what is held of her (`POST /v1/me`). The seed is hers alone. */
export interface Receipt {
  id: string
  seed: string
  note: string
}

/** What the server says of a batch. */
export interface Answered {
  rejected?: { id: string; code: string }[]
  /** Where the endpoint asks for them (`?receipt=1`), one for each event that was taken. */
  receipts?: { id: string; receipt: Receipt }[]
}

/** Names that were seen in the page, how many others, and under which choice; `{}` is none. */
export interface Observed {
  cookies: string[]
  domains: string[]
  others: number
  state: Flags
}

/** One event as `POST /v1/events` takes it, less `sent_at`, which is stamped at each attempt to send. */
export interface ConsentEvent {
  id: string
  site: string
  type: 'shown' | 'decided' | 'withdrawn' | 'loaded' | 'observed'
  subject?: string
  view: string
  prompt: PromptKind
  layer: number
  /** RFC 3339, by the visitor's clock: the server corrects it by `sent_at`. */
  occurred_at: string
  banner: { version?: string; language?: string; variant?: string; text_hash?: string }
  regime?: string
  method?: Method | null
  categories?: Flags
  services?: Flags
  purposes?: Flags
  objections?: Objections
  signals?: Signals
  /** Only on `loaded`: the consent with which the page was loaded. */
  state?: string
  /** Only on `observed`. */
  observed?: Observed
  /** Origin and path: never the query, never the fragment. */
  page: string
  /** Clicks inside the banner and milliseconds from its appearance to the decision. */
  effort?: { clicks: number; ms?: number }
  expires_at?: string
  previous?: string
}

// The module for bundlers: `start(config)`, then one adapter with it.

export type { Banner, Beacon } from './core.ts'
export type { Config } from './config.ts'
export type { Answer, ConsentEvent, Flags, Method, PromptKind, StoredChoice } from './event.ts'

/** Starts the beacon on this page. It reports nothing until an adapter, or the page, tells it of a banner. */
export { beacon as start } from './core.ts'

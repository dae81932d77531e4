// What every script of `dist/` for a banner does first: reads its own tag, starts the beacon, and puts it into the window. Where
// one runs already, because `beacon.js` has fetched the script of the banner that turned up, that one is taken.

import { fromScript } from '../config.ts'
import { beacon, type Beacon } from '../core.ts'
import { loaded } from '../loaded.ts'
import { signals } from '../signals.ts'

// A module has no current script: then it is the one that names a site.
export const script = (document.currentScript ?? document.querySelector('script[data-site]')) as HTMLScriptElement

/** Scripts of their own, by the attribute that asks for them: few pages have them. */
const ADDITIONS = ['observe', 'receipts', 'retry']

/** Puts a script that lies beside this one into the page, with the attributes of this one. */
export const beside = (name: string) => {
  const other = document.createElement('script')
  Object.assign(other.dataset, script.dataset)
  other.src = new URL(`beacon-${name}.js`, script.src).href
  document.head.append(other)
}

const answered = (detail: unknown) => dispatchEvent(new CustomEvent('avow:answered', { detail }))

const start = () => {
  const started = beacon({ ...fromScript(script), answered })
  ;(window as any).avow = started
  signals(started)
  const { loaded: views } = script.dataset
  if (views) loaded(started, views === 'on' ? undefined : views)
  ADDITIONS.filter((name) => script.dataset[name]).forEach(beside)
  return started
}

// An element of that id would be there by the same name.
const { avow } = window as any
export const running: Beacon = avow?.send ? avow : start()

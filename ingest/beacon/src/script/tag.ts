// What every script of `dist/` for a script tag does first: reads its own tag, starts the beacon, and puts it into the window.

import { fromScript } from '../config.ts'
import { beacon } from '../core.ts'
import { loaded } from '../loaded.ts'
import { signals } from '../signals.ts'

// A module has no current script: then it is the one that names a site.
export const script = (document.currentScript ?? document.querySelector('script[data-site]')) as HTMLScriptElement

const answered = (detail: unknown) => dispatchEvent(new CustomEvent('avow:answered', { detail }))

export const running = beacon({ ...fromScript(script), answered })
signals(running)
;(window as any).avow = running

const { loaded: views } = script.dataset
// Only the script that was started last: `beacon.js` may have fetched another one for the banner that turned up.
if (views) loaded(running, views === 'on' ? undefined : views, () => (window as any).avow === running)

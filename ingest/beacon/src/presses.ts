// For interfaces that say that somebody chose, but not who nor how: a CMP's API, a page's own events.

import type { Config } from './config.ts'
import type { Method } from './event.ts'

/** How long after a click in the banner its result may come, in milliseconds. */
const RESULT_MS = 1000

/** A button by what it means, null if nobody knows which it was, and its layer. */
export type Pressed = [method: Method | null, layer: number]

/**
 * Watches the clicks in the banner that `root` of the configuration selects. What it returns says whether a person can have
 * done what has just happened: a trusted click in the banner within a second; without `root`, because the banner lies in
 * another site's frame, any act of the visitor's in page or frame (`navigator.userActivation`). If so it tells the `buttons`
 * by their selectors and the layer by `second`; a method that no selector names is null: not known.
 */
export const presses = ({ root, buttons = {}, second }: Config) => {
  let at = NaN
  let pressed: Pressed = [null, 1]
  if (root)
    addEventListener('click', ({ isTrusted, target }: MouseEvent & { target: any }) => {
      if (!isTrusted || !target.closest(root)) return
      at = performance.now()
      const button = Object.keys(buttons).find((selector) => target.closest(selector))
      pressed = [button ? buttons[button]! : null, second && target.closest(second) ? 2 : 1]
    }, true)
  return () => {
    const human = root ? performance.now() - at < RESULT_MS : (navigator as any).userActivation?.isActive
    at = NaN
    if (human) return pressed
  }
}

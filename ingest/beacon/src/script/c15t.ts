// `/beacon-c15t.js`: the beacon with c15t 2.

import { BUTTONS, c15t, DAYS, ROOT, SECOND, type Store } from '../adapters/c15t.ts'
import { arrival } from './arrival.ts'
import { running } from './tag.ts'
import { told } from './told.ts'

arrival(
  () => (window as any).c15tStore as Store,
  (store) => c15t(running, told(DAYS, { root: ROOT, second: SECOND, buttons: BUTTONS }), store),
)

// `/beacon-orejime.js`: the beacon with Orejime 3.

import { BUTTONS, DAYS, orejime, ROOT, SECOND, type Orejime } from '../adapters/orejime.ts'
import { arrival } from './arrival.ts'
import { running } from './tag.ts'
import { told } from './told.ts'

const watch = (api: Orejime) => orejime(running, told(DAYS, { root: ROOT, second: SECOND, buttons: BUTTONS }), api)

// It says that it has come, and is a global only after that.
let come: Orejime | undefined
document.addEventListener('orejime.loaded', ({ detail }: any) => (come = detail), { once: true })
arrival(() => come ?? ((window as any).orejime as Orejime | undefined), watch)

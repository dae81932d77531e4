// `/beacon-klaro.js`: the beacon with Klaro alone.

import { klaro, type Klaro } from '../adapters/klaro.ts'
import { arrival } from './arrival.ts'
import { running } from './tag.ts'

arrival(() => (window as any).klaro?.addEventListener && ((window as any).klaro as Klaro), (api) => klaro(running, api))

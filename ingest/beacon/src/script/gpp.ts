// `/beacon-gpp.js`: the beacon with any banner that has the GPP's interface.

import { DAYS, gpp, type Gpp } from '../adapters/gpp.ts'
import { arrival } from './arrival.ts'
import { running } from './tag.ts'
import { told } from './told.ts'

arrival(() => (window as any).__gpp as Gpp, () => gpp(running, told(DAYS)))

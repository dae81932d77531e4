// `/beacon-osano.js`: the beacon with Osano's Cookie Consent 3.

import { DAYS, osano, ROOT } from '../adapters/osano.ts'
import { running } from './tag.ts'
import { told } from './told.ts'

osano(running, told(DAYS, { root: ROOT }))

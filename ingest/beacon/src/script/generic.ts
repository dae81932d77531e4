// `/beacon-generic.js`: the beacon with a banner that its attributes describe.

import { DAYS, generic } from '../adapters/generic.ts'
import { running } from './tag.ts'
import { told } from './told.ts'

generic(running, told(DAYS))

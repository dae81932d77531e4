// `/beacon-tarteaucitron.js`: the beacon with tarteaucitron 1.3x.

import { DAYS, ROOT, tarteaucitron, type Tarteaucitron } from '../adapters/tarteaucitron.ts'
import { arrival } from './arrival.ts'
import { running } from './tag.ts'
import { told } from './told.ts'

arrival(() => (window as any).tarteaucitron as Tarteaucitron, (api) => tarteaucitron(running, told(DAYS, { root: ROOT }), api))

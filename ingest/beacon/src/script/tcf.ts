// `/beacon-tcf.js`: the beacon with any banner that has the TCF's interface.

import { DAYS, tcf, type TcfApi } from '../adapters/tcf.ts'
import { arrival } from './arrival.ts'
import { running } from './tag.ts'
import { told } from './told.ts'

arrival(() => (window as any).__tcfapi as TcfApi, () => tcf(running, told(DAYS)))

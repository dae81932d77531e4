// Any banner of IAB Europe's Transparency and Consent Framework, by its CMP API (`__tcfapi`, version 2 of the API, TCF 2.2 and
// 2.3). `useractioncomplete` says that a person has chosen, `tcloaded` that a stored choice was found, `cmpuishown` that the
// banner is up. The API names no button, so that the method is known only where the configuration has selectors for it.

import type { Beacon } from '../core.ts'
import type { Answer, Flags, StoredChoice } from '../event.ts'
import type { Told } from '../told.ts'

type Ids = Record<number, boolean>

/** The part of TCData that is used here. Purposes and vendors that are not named are refused. */
export interface TCData {
  tcString?: string
  eventStatus?: 'tcloaded' | 'cmpuishown' | 'useractioncomplete'
  purpose?: { consents: Ids; legitimateInterests: Ids }
  vendor?: { consents: Ids; legitimateInterests: Ids }
  specialFeatureOptins?: Ids
}

export type TcfApi = (command: 'addEventListener', version: 2, callback: (data: TCData | null) => void) => void

/** Numbers of purposes and special features in the framework's policies, version 4 and later. */
const PURPOSES = 11
const SPECIAL_FEATURES = [1, 2]
/** How long a choice may last by the framework's policies, which most CMPs take: 13 months. */
export const DAYS = 390

/** Those that stood before and stand no more. */
const lost = (before?: Ids, now?: Ids) => Object.keys(before ?? {}).filter((id) => before![+id] && !now?.[+id]).map((id) => 'iab-' + id)

/** Watches the CMP behind `api`, by default the global one. `to` is `told(beacon, DAYS)`. */
export const tcf = ({ config: { services = {} } }: Beacon, to: Told, api: TcfApi = (window as any).__tcfapi) => {
  /** What the banner took for granted when it came up. */
  let shown: TCData = {}

  /** Vendors are answers only where `services` of the configuration names them by their number in the vendor list. */
  const read = ({ purpose, vendor, specialFeatureOptins, tcString: tcf }: TCData): StoredChoice => {
    const purposes: Flags = {}
    for (let id = 1; id <= PURPOSES; id++) purposes['iab-' + id] = !!purpose?.consents[id]
    for (const id of SPECIAL_FEATURES) purposes['iab-sf-' + id] = !!specialFeatureOptins?.[id]
    const objections = {
      purposes: lost(shown.purpose?.legitimateInterests, purpose?.legitimateInterests),
      services: lost(shown.vendor?.legitimateInterests, vendor?.legitimateInterests),
    }
    // An objection changes no answer, yet is a decision of its own: so it passes for something granted, which JSON leaves out.
    if (objections.purposes[0] || objections.services[0]) purposes.objected = Symbol() as any
    const answers = Object.keys(services).map((id): Answer => [[], id, !!vendor?.consents[+id]])
    return { answers, purposes, also: { signals: { tcf }, objections } }
  }

  api('addEventListener', 2, (data) => {
    if (!data) return
    const { eventStatus } = data
    if (eventStatus === 'cmpuishown') to.opened(read((shown = data)))
    else if (eventStatus === 'tcloaded') to.found(read(data))
    else if (eventStatus) to.chose(read(data))
  })
}

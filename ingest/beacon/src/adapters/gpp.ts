// Any banner of the IAB's Global Privacy Platform, by its API (`__gpp`, version 1.1). `cmpDisplayStatus` says that the banner is
// up; the choice stands when `signalStatus` is `ready`, and where a section changes then, at once. Sections of US states count:
// a person is opted in to what she has not opted out of, so that 1 (opted out) refuses and 2 grants; 0 was not asked.

import type { Beacon } from '../core.ts'
import type { Flags, StoredChoice } from '../event.ts'
import type { Told } from '../told.ts'

type Section = Record<string, number | number[] | boolean>

/** The part of an event's data that is used here. */
export interface GppEvent {
  eventName: string
  data: unknown
  pingData: { signalStatus: string; gppString: string; parsedSections: Record<string, Section | Section[]> }
}

export type Gpp = (command: 'addEventListener', callback: (event: GppEvent) => void) => void

/** The platform does not say how long a choice lasts; US laws let a site ask again after twelve months. */
export const DAYS = 365

const DECISION = /OptOut$|Consents?$|^SensitiveDataProcessing$/

/** Watches the CMP behind `api`, by default the global one. `to` is `told(beacon, DAYS)`. */
export const gpp = (_: Beacon, to: Told, api: Gpp = (window as any).__gpp) => {
  const read = ({ gppString: gpp, parsedSections }: GppEvent['pingData']): StoredChoice => {
    const purposes: Flags = {}
    for (const name in parsedSections)
      for (const section of [parsedSections[name]!].flat())
        for (const field in section)
          if (DECISION.test(field))
            [section[field]].flat().forEach((value, index, { length }) => {
              const purpose = `${name}-${field.replace('OptOut', '')}${length > 1 ? '-' + (index + 1) : ''}`
              if (value === 1 || value === 2) purposes[purpose] = value === 2
            })
    return { answers: [], purposes, also: { signals: { gpp } } }
  }

  api('addEventListener', ({ eventName, data, pingData }) => {
    const ready = pingData.signalStatus === 'ready'
    if (eventName === 'cmpDisplayStatus' && data === 'visible') to.opened(read(pingData))
    else if (eventName === 'listenerRegistered' && ready) to.found(read(pingData))
    else if (/^s(ignalStatus|ectionChange)$/.test(eventName) && ready) to.chose(read(pingData))
  })
}

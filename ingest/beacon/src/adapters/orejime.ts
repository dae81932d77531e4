// Orejime 3. Its manager emits `update` whenever consents are set, by a click or by a script; `dirty` while something that it
// asks for has no answer. It keeps a cookie of answers by purpose, with no room for anything else.

import type { Beacon } from '../core.ts'
import type { Answer, Method, StoredChoice } from '../event.ts'
import type { Told } from '../told.ts'

interface Purpose {
  id: string
  isMandatory?: boolean
  purposes?: Purpose[]
}

/** The part of the banner's public interface that is used here: `window.orejime`. */
export interface Orejime {
  config: { purposes: Purpose[]; cookie?: { duration?: number } }
  manager: {
    on(type: 'update', listener: () => void): void
    getAllConsents(): Record<string, boolean>
    isDirty(): boolean
    needsUpdate(): boolean
  }
}

/** Its cookie's, unless the site says otherwise. */
export const DAYS = 120

const button = (name: string) => `[data-testid="orejime-${name}"]`

export const ROOT = '.orejime-Env,[class*=orejime-]'
export const SECOND = button('modal')
export const BUTTONS: Record<string, Method> = {
  [button('banner-accept')]: 'accept_all', [button('banner-decline')]: 'reject_all',
  [button('modal-save')]: 'save', [button('contextual-notice-accept')]: 'save',
}

/** Watches the banner given. `to` is `told(beacon, DAYS)`, with `ROOT`, `SECOND` and `BUTTONS` in the configuration. */
export const orejime = ({ config: { categories = {} } }: Beacon, to: Told, { config, manager }: Orejime) => {
  const read = (): StoredChoice => {
    const consents = manager.getAllConsents()
    /** A purpose in a group is a service in that category. One alone is a service, unless `categories` renames it. */
    const answers = (purposes: Purpose[], group: string[] = []): Answer[] =>
      purposes.flatMap(({ id, isMandatory, purposes: inner }): Answer[] => {
        if (inner) return answers(inner, [id])
        if (isMandatory) return []
        return id in categories ? [[[id], '', !!consents[id]]] : [[group, id, !!consents[id]]]
      })
    const days = config.cookie?.duration ?? DAYS
    return { answers: answers(config.purposes), expires: Date.now() + days * 864e5 }
  }

  manager.on('update', () => to.chose(read()))
  if (!manager.isDirty()) to.found(read())
  else if (manager.needsUpdate()) to.opened(read(), 'changed')
  else to.opened()
}

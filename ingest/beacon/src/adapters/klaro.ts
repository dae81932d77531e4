// Klaro 0.7. Its `callback`s are not used: they are called for every service on every page load, for required and opt-out
// services too. `saveConsents` comes with the kind of button, once per choice, before any of that.
//
// Klaro keeps no id. The subject goes into Klaro's own record (cookie or web storage) as one more key, which Klaro drops
// from memory on loading and would drop from storage on saving: so its store's `set` is made to carry the key over.

import type { Beacon } from '../core.ts'
import type { Answer, Method, StoredChoice } from '../event.ts'

interface KlaroConfig {
  services: { name: string; purposes?: string[]; required?: boolean }[]
  elementID?: string
  stylePrefix?: string
  required?: boolean
  mustConsent?: boolean
  noNotice?: boolean
}

interface Manager {
  config: KlaroConfig
  confirmed: boolean
  changed: boolean
  storageMethod: string
  cookieExpiresAfterDays: number
  store: { get(): string | null; set(value: string): void }
  watch(watcher: { update(manager: Manager, name: string, data: any): void }): void
}

/** The part of the banner's public interface that is used here. */
export interface Klaro {
  addEventListener(type: 'render', handler: (config: KlaroConfig, options: { show?: boolean }) => void): void
  getManager(config: KlaroConfig): Manager
  language(config: KlaroConfig): string
}

/** By the `type` of a `saveConsents`: any other is a save. */
const METHODS: Record<string, Method> = { accept: 'accept_all', decline: 'reject_all' }

const parse = (value: string | null): Record<string, any> => JSON.parse(decodeURIComponent(value || '{}'))

/** Watches the Klaro given. */
export const klaro = (beacon: Beacon, api: Klaro) => {
  let watched: Manager | undefined

  const watch = (manager: Manager) => {
    const { config, store } = manager
    const read = () => parse(store.get())

    /** Reads Klaro's record. Required services are no answers. */
    const stored = (): StoredChoice | undefined => {
      if (!store.get()) return
      const record = read()
      const [subject, previous] = (record.avow || '').split('.')
      const answers = config.services
        .filter(({ name, required = config.required }) => !required && name in record)
        .map(({ name, purposes = [] }): Answer => [purposes, name, record[name]])
      const days = manager.storageMethod === 'cookie' ? manager.cookieExpiresAfterDays : 0
      return { answers, subject, previous, expires: days && Date.now() + days * 864e5 }
    }

    const set = store.set.bind(store)
    const keep = (record: object, avow: string) => set(encodeURIComponent(JSON.stringify({ ...record, avow })))
    store.set = (value) => keep(parse(value), read().avow)
    manager.watch({
      update(_, name, data) {
        if (name !== 'saveConsents') return
        const kept = beacon.chosen(METHODS[data.type] ?? 'save', !config.mustConsent && document.querySelector('.cm-klaro') ? 2 : 1)
        if (kept) keep(read(), kept.join('.'))
      },
    })
    beacon.banner = {
      root: `#${config.elementID || 'klaro'},.${config.stylePrefix || 'klaro'}`,
      stored,
      language: () => api.language(config),
    }
    return manager
  }

  // Klaro repeats the renderings that are past to whoever comes late.
  api.addEventListener('render', (config, { show }) => {
    const { confirmed, changed } = (watched ??= watch(api.getManager(config)))
    const elective = confirmed || (config.noNotice && !config.mustConsent)
    if (show || !elective) beacon.asked(confirmed ? 'renewal' : changed ? 'changed' : 'first', elective)
  })
}

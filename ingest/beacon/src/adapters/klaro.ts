// Klaro 0.7. Its `callback`s are not used: they are called for every service on every page load, for required and opt-out
// services too. `saveConsents` comes with the kind of button, once per choice, before any of that.
//
// Klaro keeps no id. The subject goes into Klaro's own record (cookie or web storage) as one more key, which Klaro drops
// from memory on loading and would drop from storage on saving: so its store's `set` is made to carry the key over.

import type { Beacon } from '../core.ts'
import type { Answer, Method, StoredChoice } from '../event.ts'

interface KlaroConfig {
  services: { name: string; purposes?: string[]; required?: boolean }[]
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

/** Watches the Klaro given. */
export const klaro = (beacon: Beacon, api: Klaro) => {
  let watched: Manager | undefined

  const watch = (manager: Manager) => {
    const { config, store } = manager
    const read = (value = store.get()) => value && JSON.parse(decodeURIComponent(value))

    /** Reads Klaro's record. Required services are no answers. */
    const stored = (): StoredChoice | undefined => {
      const record = read()
      if (!record) return
      const [subject, previous] = (record.avow || '').split('.')
      const answers = config.services.flatMap(({ name, purposes = [], required = config.required }): Answer[] =>
        required || !(name in record) ? [] : [[purposes, name, record[name]]])
      const days = manager.storageMethod === 'cookie' ? manager.cookieExpiresAfterDays : 0
      return { answers, subject, previous, expires: days ? Date.now() + days * 864e5 : undefined }
    }

    const set = store.set.bind(store)
    const keep = (avow: string, value?: string) => set(encodeURIComponent(JSON.stringify({ ...read(value), avow })))
    store.set = (value) => keep(read()?.avow, value)
    manager.watch({
      update(_, name, data) {
        const kept = name === 'saveConsents' &&
          beacon.chosen(METHODS[data.type] ?? 'save', document.querySelector('.cm-klaro') ? 2 : 1)
        if (kept) keep(kept.join('.'))
      },
    })
    beacon.banner = { root: '.' + (config.stylePrefix || 'klaro'), stored, language: () => api.language(config) }
    return manager
  }

  // Klaro repeats the renderings that are past to whoever comes late.
  api.addEventListener('render', (config, { show }) => {
    const { confirmed, changed } = (watched ??= watch(api.getManager(config)))
    if (show || (!confirmed && (config.mustConsent || !config.noNotice)))
      beacon.asked(confirmed ? 'renewal' : changed ? 'changed' : 'first')
  })
}

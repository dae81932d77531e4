// tarteaucitron 1.3x. Every click on a service's switch in its panel is stored at once; the visitor's choice is what stands when
// she closes the panel, or leaves with it open. It writes `wait` into its cookie before anybody has chosen, and `true` for
// services that it takes for exempt: neither is an answer.

import type { Beacon } from '../core.ts'
import type { Answer, Method, StoredChoice } from '../event.ts'
import type { Told } from '../told.ts'

/** The part of the banner's interface that is used here: the global of the same name. */
export interface Tarteaucitron {
  job: string[]
  services: Record<string, { key: string; type: string; needConsent?: boolean }>
  cookie: { read(): string }
}

/** Its cookie's, unless `tarteaucitronForceExpire` says otherwise. */
export const DAYS = 365

export const ROOT = '#tarteaucitronRoot,.tac_activate'
const PANEL = '#tarteaucitron'

/** By the button's id, less `tarteaucitron`. Any other is a service's. */
const METHODS: Record<string, Method> = {
  Personalize2: 'accept_all', AllAllowed: 'accept_all', AllDenied: 'reject_all', AllDenied2: 'reject_all', SaveButton: 'save',
}

/** Watches the banner. `to` is `told(beacon, DAYS)`, `root` being `ROOT`. */
export const tarteaucitron = (_: Beacon, to: Told, api: Tarteaucitron = (window as any).tarteaucitron) => {
  /** Switches were thrown in the panel, which is still open. */
  let pending = false

  const read = (): StoredChoice | undefined => {
    const cookie = api.cookie.read()
    let chosen = false
    const answers = api.job.flatMap((name): Answer[] => {
      const { key, type, needConsent } = api.services[name]!
      const [, answer] = RegExp(`!${key}=(true|false)`).exec(cookie) ?? []
      chosen ||= !!(answer && needConsent)
      return answer ? [[[type === 'analytic' ? 'statistics' : type], key, answer === 'true']] : []
    })
    if (chosen) return { answers, expires: Date.now() + (+(window as any).tarteaucitronForceExpire || DAYS) * 864e5 }
  }

  const closed = () => {
    if (pending) to.chose(read(), ['save', 2])
    pending = false
  }
  const shown = () => to.opened(read(), 'changed')

  addEventListener('tac.open_alert', shown)
  addEventListener('tac.close_panel', closed)
  addEventListener('visibilitychange', () => document.hidden && closed())
  // Before the click has gone through: what is stored until now.
  addEventListener('click', () => pending || to.found(read()), true)
  addEventListener('click', ({ isTrusted, target }: MouseEvent & { target: any }) => {
    const button = isTrusted && target.closest('.tarteaucitronAllow,.tarteaucitronDeny')
    if (!button) return
    const inside = button.closest(PANEL)
    const method = METHODS[button.id.replace('tarteaucitron', '')]
    pending = inside && !method
    if (!pending) to.chose(read(), [method ?? 'save', inside ? 2 : 1])
  })
  if (document.querySelector('.tarteaucitronBeforeVisible')) shown()
}

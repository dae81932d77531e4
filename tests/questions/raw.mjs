// Raw events of two sites over 28 days, as banners would have sent them: always the same for one `end`. Nothing is summed here.

const DAY = 86_400_000
/** The day, counted from the first, on which the shop's banner became v2. */
const RELEASE = 14
export const DAYS = 28
export const SHOP = 'questions-shop.example'
export const BLOG = 'questions-blog.example'
export const SERVICES = { chaport: 'preferences', crisp: 'preferences', 'web-analytics': 'statistics', 'ad-network': 'marketing' }
const CATEGORIES = ['preferences', 'statistics', 'marketing']

const AGENTS = {
  mobile: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  desktop: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  bot: 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
}

/** Mulberry32: a small generator with a seed, numbers in [0, 1). */
const random = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

/**
 * The events that end before `end` (the midnight, UTC, after the last day), each with what its request carries:
 * `{ agent, country, event }`. Some are there twice, as a retry would send them.
 */
export const rawEvents = (end) => {
  const draw = random(6)
  const pick = (weighted) => {
    let left = draw()
    for (const [value, weight] of weighted) if ((left -= weight) < 0) return value
    return weighted[0][0]
  }
  const hex = (digits) => Array.from({ length: digits }, () => Math.floor(draw() * 16).toString(16)).join('')
  const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`
  const raw = []

  const visit = (site, day) => {
    const device = pick([['desktop', 0.45], ['mobile', 0.5], ['bot', 0.05]])
    const country = pick([['FR', 0.45], ['DE', 0.3], ['ES', 0.15], ['US', 0.1]])
    const variant = site === SHOP ? pick([['A', 0.5], ['B', 0.5]]) : undefined
    const version = site === SHOP && day >= RELEASE ? 'v2' : 'v1'
    const start = end - (DAYS - day) * DAY
    const at = start + Math.floor(draw() * (DAY - 3_600_000))
    const subject = uuid()
    const base = { site, banner: { version, language: country.toLowerCase(), ...(variant ? { variant } : {}) }, regime: country === 'US' ? 'opt_out' : 'opt_in' }
    const push = (type, moment, rest) => {
      if (moment >= end) return
      const event = { id: uuid(), type, occurred_at: new Date(moment).toISOString(), ...base, ...rest }
      raw.push({ agent: AGENTS[device], country, event })
      if (draw() < 0.03) raw.push({ agent: AGENTS[device], country, event })
    }
    push('shown', at, {})
    if (device === 'bot') return
    if (site === BLOG && draw() < 0.1) push('observed', at + 500, { observed: { cookies: ['chaport_uid'], domains: [], others: 1, state: {} } })
    if (site === SHOP && draw() < 0.1) push('observed', at + 60_000, { observed: { cookies: ['chaport_uid'], domains: [], others: 1, state: { preferences: true } } })
    if (draw() < 0.2) return
    if (draw() < 0.02) return push('decided', at + 50, { subject, method: 'gpc', categories: all(false) })
    const likes = 0.45 + (country === 'FR' ? -0.05 : 0) + (version === 'v2' ? 0.1 : 0) + (variant === 'B' ? 0.08 : 0)
    const method = draw() < likes ? 'accept_all' : pick([['reject_all', 0.5], ['save', 0.4], ['dismiss', 0.1]])
    const ms = 1_000 + 100 * Math.floor(draw() * (method === 'reject_all' ? 90 : 50))
    const decided = at + ms
    const said = choice(method)
    push('decided', decided, { subject, method, effort: { clicks: 1, ms }, ...said })
    const grants = method === 'accept_all' || (method === 'save' && Object.values(said.services).some(Boolean))
    if (grants && draw() < 0.15) {
      const later = decided + 60_000 + Math.floor(draw() * 20 * DAY)
      push('withdrawn', later, { subject, prompt: 'user_opened', ...(draw() < 0.5 ? { services: { chaport: false } } : {}) })
    }
    if (draw() < 0.05) push('decided', decided + 30_000, { subject, method: 'save', prompt: 'user_opened', ...choice('save') })
  }

  const all = (value) => Object.fromEntries([['necessary', true], ...CATEGORIES.map((name) => [name, value])])
  const choice = (method) => {
    if (method === 'accept_all' || method === 'reject_all') return { categories: all(method === 'accept_all') }
    if (method === 'dismiss') return {}
    return {
      categories: { necessary: true },
      services: { chaport: draw() < 0.6, crisp: draw() < 0.5, 'web-analytics': draw() < 0.4, 'ad-network': draw() < 0.1 },
    }
  }

  for (let day = 0; day < DAYS; day += 1) {
    for (let n = 0; n < 60; n += 1) visit(SHOP, day)
    for (let n = 0; n < 30; n += 1) visit(BLOG, day)
  }
  return raw
}

/** The events in requests of one agent and one country, as many as a request may carry. */
export const requests = (raw) => {
  const groups = new Map()
  for (const { agent, country, event } of raw) {
    const key = `${agent} ${country}`
    if (!groups.has(key)) groups.set(key, { agent, country, events: [] })
    groups.get(key).events.push(event)
  }
  return [...groups.values()].flatMap(({ agent, country, events }) =>
    Array.from({ length: Math.ceil(events.length / 400) }, (_, i) => ({ agent, country, events: events.slice(i * 400, (i + 1) * 400) })))
}

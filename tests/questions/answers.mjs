// The answers, worked out from the raw events alone: docs/metrics.md once more, in a third hand, without a line of the server's
// or the simulator's.

import { SERVICES } from './raw.mjs'

const DAY = 86_400_000
const time = ({ event }) => Date.parse(event.occurred_at)
const prompt = ({ event }) => event.prompt ?? 'first'
const isBot = ({ agent }) => agent.includes('Googlebot')
const device = ({ agent }) => (agent.includes('iPhone') ? 'mobile' : 'desktop')

/** Each event once: the first of an id counts. */
export const once = (raw) => {
  const seen = new Set()
  return raw.filter(({ event }) => !seen.has(event.id) && seen.add(event.id))
}

const isShown = (one) => one.event.type === 'shown' && prompt(one) !== 'user_opened'
const isDecision = (one) => one.event.type === 'decided' && prompt(one) !== 'user_opened' && !['gpc', 'api'].includes(one.event.method)
const grantsSomething = ({ event }) =>
  Object.entries(event.categories ?? {}).some(([name, value]) => value && name !== 'necessary') || Object.values(event.services ?? {}).some(Boolean)
/** `true`, `false`, or `undefined` where the decision says nothing of the service. */
const saysOf = ({ event }, service) =>
  event.services?.[service] ?? event.categories?.[SERVICES[service]] ?? (event.method === 'dismiss' ? false : undefined)

const rate = (numerator, denominator) => (denominator === 0 ? null : numerator / denominator)
const optIn = (events) => rate(events.filter((one) => isDecision(one) && grantsSomething(one)).length, events.filter(isShown).length)
const ofRegime = (events) => events.filter(({ event }) => event.regime === 'opt_in')
const lowerMedian = (values) => values.sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]

export const answers = (raw, sites) => {
  const events = ofRegime(once(raw))
  const of = (site) => events.filter(({ event }) => event.site === site)
  const people = (list) => list.filter((one) => !isBot(one) && prompt(one) === 'first')
  const decisions = events.filter(isDecision)
  return {
    release: (version) => optIn(people(of(sites.shop)).filter((one) => one.country === 'FR' && device(one) === 'mobile' && one.event.banner.version === version)),
    variant: (variant) => optIn(people(of(sites.shop)).filter(({ event }) => event.banner.variant === variant)),
    denied: Object.fromEntries(Object.keys(SERVICES).map((service) => [service, decisions.filter((one) => saysOf(one, service) === false).length])),
    /** Of the subjects whose first grant is over a week old at `freshness`, those that took it back within a week. */
    revokedWithinAWeek: (freshness) => {
      const first = new Map()
      for (const one of decisions.filter(grantsSomething)) {
        const { subject } = one.event
        first.set(subject, Math.min(first.get(subject) ?? Infinity, time(one)))
      }
      const closed = [...first].filter(([, at]) => at <= freshness - 7 * DAY)
      const revokes = (one, subject, at) =>
        one.event.subject === subject && time(one) > at && time(one) <= at + 7 * DAY &&
        (one.event.type === 'withdrawn' || (one.event.type === 'decided' && !grantsSomething(one)))
      const all = once(raw)
      return rate(closed.filter(([subject, at]) => all.some((one) => revokes(one, subject, at))).length, closed.length)
    },
    withoutConsent: (site) => of(site).filter(({ event }) =>
      event.type === 'observed' && event.observed.cookies.includes('chaport_uid') && !(event.observed.state.chaport ?? event.observed.state.preferences ?? false)).length,
    noChoice: (site) => of(site).filter(isShown).length - of(site).filter(isDecision).length,
    rejects: (country) => {
      const there = decisions.filter((one) => one.country === country)
      return rate(there.filter(({ event }) => event.method === 'reject_all').length, there.length)
    },
    secondsTo: (method) => lowerMedian(decisions.filter(({ event }) => event.method === method).map(({ event }) => event.effort.ms)) / 1000,
    shown: (bots) => events.filter((one) => isShown(one) && (bots || !isBot(one))).length,
    chaport: (from, to) => {
      const within = decisions.filter((one) => time(one) >= from && time(one) < to).map((one) => saysOf(one, 'chaport'))
      return rate(within.filter((said) => said === true).length, within.filter((said) => said !== undefined).length)
    },
  }
}

// What a page does, beside what was chosen: names of the catalogue's cookies, and hosts of the catalogue that the page asked for
// something. Reading either is itself access to the visitor's device, so nothing is read before the server has said yes: in the
// operator's own browser, by a signed switch (`audit`), or where the site has named a legal basis (`all`). Never a value.
//
// A request is set against the choice in force from its beginning to its end, a cookie against that of the moment when it is
// read. A request during which the choice changed is set against none.

import type { Beacon } from './core.ts'
import { anyOf, COOKIE, HOST } from './matching.ts'

/** In the address (`#avow-audit=...`) and, from then on, in the operator's sessionStorage. */
const SWITCH = 'avow-audit'
/** How much of a cookie's name is told. */
const MOST_CHARS = 64

/** The operator's switch for a query: out of the address, or as an earlier page in this tab has kept it. */
const auditSwitch = () => {
  const [address, given] = location.href.split(`#${SWITCH}=`)
  if (given) {
    sessionStorage[SWITCH] = given
    history.replaceState(history.state, '', address)
  }
  return sessionStorage[SWITCH] && '&switch=' + sessionStorage[SWITCH]
}

/**
 * Observes this page if the server allows it, and reports some time after loading and after each choice (`after`, in
 * milliseconds), and when the page is left: each name once under the same choice.
 */
export const observe = async (beacon: Beacon, by: string, after = 3000) => {
  const { endpoint, site } = beacon.config
  const audit = by === 'audit' ? auditSwitch() : ''
  if (audit == null) return

  const url = new URL(`observe?site=${site}${audit}`, new URL(endpoint, location.href))
  const answer = await fetch(url, { credentials: 'omit' })
  // A no ends the audit in this tab.
  if (!answer.ok) return audit && delete sessionStorage[SWITCH]

  const known = await answer.json()
  const knownCookies = anyOf(known.cookies, COOKIE)
  const knownDomains = anyOf(known.domains, HOST)

  /** The choice in force, as JSON; since when, as far as this page view has seen it change; what was seen under it. */
  let current = ''
  let since = -Infinity
  let seen: Set<string>
  /** What of that is still to be told. */
  let cookies: string[] = []
  let domains: string[] = []
  let others = 0

  const note = (name: string, known: RegExp, found: string[]) => {
    if (!seen.has(name)) known.test(name) ? found.push(name) : others++
    seen.add(name)
  }

  const tell = () => {
    if (cookies[0] || domains[0]) {
      beacon.send([beacon.event('observed', {}, { observed: { cookies, domains, others, state: JSON.parse(current) } })])
      cookies = []
      domains = []
      others = 0
    }
  }

  const collect = (requests: PerformanceEntryList) => {
    const now = performance.now()
    let found = '{}'
    try {
      const choice = beacon.choice()
      found = JSON.stringify({ ...choice.categories, ...choice.services })
    } catch {} // The banner is not ready: no choice.
    if (found !== current) {
      if (current) {
        tell()
        since = now
        later()
      }
      current = found
      seen = new Set(['', location.hostname, url.hostname])
      others = 0
    }
    for (const { name, startTime } of requests) if (startTime > since) note(new URL(name).hostname.replace(/\.$/, ''), knownDomains, domains)
    // Not while what a choice sets off, such as the deletion of cookies, may still be going on.
    if (now - since > after / 2) for (const pair of document.cookie.split('; ')) note(pair.split('=')[0]!.slice(0, MOST_CHARS), knownCookies, cookies)
  }

  const observer = new PerformanceObserver((list) => collect(list.getEntries()))
  const look = () => {
    if (!current) observer.observe({ type: 'resource', buffered: true })
    collect(observer.takeRecords())
    tell()
  }
  const later = () => setTimeout(look, after)

  // What there was until this click, which may be a choice; a banner that can be clicked on is one that can be asked.
  addEventListener('click', ({ target }: MouseEvent & { target: any }) => {
    if (target.closest('[data-avow],' + beacon.banner?.root)) look()
  }, true)
  // Comes before `pagehide`, wherever there is a PerformanceObserver for what is past.
  addEventListener('visibilitychange', () => current && look())
  if (document.readyState === 'complete') later()
  else addEventListener('load', later)
}

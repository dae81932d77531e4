// Strings by the IAB's own libraries, from a seed: what is written in each is known.

import { GppModel } from '@iabgpp/cmpapi'
import { GVL, PurposeRestriction, RestrictionType, TCModel, TCString } from '@iabtechlabtcf/core'

/** mulberry32: the same numbers on every machine. */
export const random = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

const VENDORS = 400
const PURPOSES = 11
/** Since TCF 2.2 no other purpose may rest on a legitimate interest; the library writes no other. */
const BY_INTEREST = [2, 7, 8, 9, 10, 11]
const upTo = (n) => Array.from({ length: n }, (_, i) => i + 1)
const named = (n, more) => Object.fromEntries(upTo(n).map((id) => [id, { id, name: `${id}`, description: '', illustrations: [], ...more }]))

const gvl = new GVL({
  gvlSpecificationVersion: 3, vendorListVersion: 120, tcfPolicyVersion: 5, lastUpdated: '2026-01-01T00:00:00Z',
  purposes: named(PURPOSES), specialPurposes: named(3), features: named(3), specialFeatures: named(2), stacks: {}, dataCategories: {},
  vendors: named(VENDORS, {
    purposes: [1, 2, 3], legIntPurposes: [7, 9], flexiblePurposes: [7, 9], specialPurposes: [], features: [], specialFeatures: [1], cookieMaxAgeSeconds: 1,
    usesCookies: true, cookieRefresh: false, usesNonCookieAccess: false, urls: [], dataRetention: {}, dataDeclaration: [],
  }),
})

/** Ids of `all`, none, a few or most of them, as CMPs write sparse, dense and contiguous lists. */
const some = (all, next) => {
  const share = [0, 0.02, 0.5, 0.97, 1][Math.floor(next() * 5)]
  const end = Math.ceil(all.length * next())
  return all.slice(0, next() < 0.3 ? end : all.length).filter(() => next() < share)
}

/** What the publisher takes from some vendors, and puts on consent: what is taken, by purpose. */
const restricted = (model, next) => {
  const { NOT_ALLOWED, REQUIRE_CONSENT } = RestrictionType
  const taken = {}
  if (next() < 0.7) return taken
  for (const [purpose, types] of [[2, [NOT_ALLOWED]], [3, [NOT_ALLOWED]], [7, [NOT_ALLOWED, REQUIRE_CONSENT]]]) {
    const type = types[Math.floor(next() * types.length)]
    const vendors = some(upTo(VENDORS), next)
    for (const vendor of vendors) model.publisherRestrictions.add(vendor, new PurposeRestriction(purpose, type))
    if (type !== REQUIRE_CONSENT && vendors.length > 0) taken[purpose] = vendors
  }
  return taken
}

/** A TC string, with or without its further segments, and what it says. */
export const tcString = (next) => {
  const model = new TCModel(gvl)
  const day = 86_400_000
  const created = Math.floor((Date.UTC(2022, 0, 1) + next() * (Date.UTC(2026, 11, 31) - Date.UTC(2022, 0, 1))) / day) * day
  const said = {
    cmp_id: 2 + Math.floor(next() * 4000),
    purposes: some(upTo(PURPOSES), next),
    legitimate_interests: some(BY_INTEREST, next),
    special_features: some([1, 2], next),
    vendors: some(upTo(VENDORS), next),
  }
  Object.assign(model, { cmpId: said.cmp_id, cmpVersion: 1 + Math.floor(next() * 60), consentScreen: 1, consentLanguage: 'FR', publisherCountryCode: 'FR', isServiceSpecific: true })
  Object.assign(model, { created: new Date(created), lastUpdated: new Date(created) })
  const put = (vector, ids) => ids.forEach((id) => vector.set(id))
  put(model.purposeConsents, said.purposes)
  put(model.purposeLegitimateInterests, said.legitimate_interests)
  put(model.specialFeatureOptins, said.special_features)
  put(model.vendorConsents, said.vendors)
  put(model.vendorLegitimateInterests, some(upTo(VENDORS), next))
  const disclosed = some(upTo(VENDORS), next)
  put(model.vendorsDisclosed, disclosed)
  put(model.publisherConsents, some(upTo(PURPOSES), next))
  const restrictions = restricted(model, next)
  const whole = TCString.encode(model)
  const segments = whole.split('.')
  const has = next() < 0.8 && segments.some((segment) => segment.startsWith('I'))
  const text = has ? whole : segments.filter((segment) => !segment.startsWith('I')).join('.')
  return { text, said: { ...said, created, restrictions, disclosed_vendors: has ? disclosed : null } }
}

const STATES = ['usnat', 'usca', 'usva', 'usco', 'usut', 'usct', 'usfl', 'usmt', 'usor', 'ustx', 'usde', 'usia', 'usne', 'usnh', 'usnj', 'ustn', 'usmn']

/** A GPP string of some sections, and what they say of sales. */
export const gppString = (next) => {
  const model = new GppModel()
  const said = {}
  if (next() < 0.3) {
    model.setFieldValue('uspv1', 'Notice', 'Y')
    model.setFieldValue('uspv1', 'LspaCovered', 'N')
    model.setFieldValue('uspv1', 'OptOutSale', (said[6] = next() < 0.5 ? 'Y' : 'N'))
  }
  STATES.forEach((name, at) => {
    if (next() >= 0.25) return
    const optOut = Math.floor(next() * 3)
    model.setFieldValue(name, 'MspaCoveredTransaction', 1 + Math.floor(next() * 2))
    model.setFieldValue(name, 'SaleOptOut', optOut)
    said[7 + at] = optOut
  })
  return Object.keys(said).length === 0 ? gppString(next) : { text: model.encode(), said }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~ é'

/** The text cut off, or with some letters changed, added or taken away. */
export const spoiled = (text, next) => {
  if (next() < 0.4) return text.slice(0, Math.floor(next() * text.length))
  const letters = [...text]
  for (let faults = 1 + Math.floor(next() * 4); faults > 0; faults--) {
    const put = LETTERS[Math.floor(next() * LETTERS.length)]
    letters.splice(Math.floor(next() * letters.length), Math.floor(next() * 3), ...(next() < 0.8 ? [put] : []))
  }
  return letters.join('')
}

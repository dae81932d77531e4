// From a real banner to a number: the same clicks, the real server, the query API, and the dashboard in the browser.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { doorOf, startAvow } from './avow.mjs'
import { BANNERS, SERVICES } from './banners.mjs'
import { launch } from './chromium.mjs'
import { openShop } from './shop.mjs'
import { visit } from './visitor.mjs'

const LIMIT = { timeout: 240_000 }

let avow, browser
before(async () => {
  avow = await startAvow()
  browser = await launch()
}, LIMIT)
after(async () => {
  await browser?.close()
  if (avow) assert.equal(await avow.stop(), 0, 'SIGTERM drains')
})

/** Yesterday to tomorrow: whatever the time zone and the moment, the run is inside. */
const days = () => [-1, 1].map((days) => new Date(Date.now() + days * 864e5).toISOString().slice(0, 10))

/** Every visitor of one banner, each with a profile of her own, and what she does. */
const VISITORS = [
  async (banner, visitor) => banner.acceptAll(await visitor.open(banner.path)),
  async (banner, visitor) => banner.rejectAll(await visitor.open(banner.path)),
  async function chaportOnly(banner, visitor) {
    const page = await visitor.open(banner.path)
    await banner.choose(page)
    await banner.toggle(page, 'chaport')
    await banner.save(page)
  },
  async function withdrawsLater(banner, visitor) {
    const page = await visitor.open(banner.path)
    await banner.acceptAll(page)
    await visitor.reload(page)
    await banner.reopen(page)
    await banner.toggle(page, 'chaport')
    await banner.save(page)
    await visitor.reload(page)
  },
  async function looksAndLeaves(banner, visitor) {
    await visitor.open(banner.path)
  },
  async function twoTabs(banner, visitor) {
    const [page, second] = [await visitor.open(banner.path), await visitor.open(banner.path)]
    await page.bringToFront()
    await banner.acceptAll(page)
    await visitor.reload(second)
  },
  async function reloads(banner, visitor) {
    const page = await visitor.open(banner.path)
    await banner.acceptAll(page)
    await visitor.reload(page)
    await visitor.reload(page)
  },
  async function grantsLater(banner, visitor) {
    const page = await visitor.open(banner.path)
    await banner.rejectAll(page)
    await banner.reopen(page)
    await banner.toggle(page, 'chaport')
    await banner.save(page)
  },
]

/** What those visitors, and one who closes the tab at once after accepting, come to. */
const TOTAL = {
  shown: 10, decisions: 8, accept_all: 5, reject_all: 2, custom: 1, dismissed: 0, automatic: 0, no_choice: 2, withdrawals: 1,
  visitors: 8,
}
const BY_SERVICE = {
  chaport: { granted: 6, denied: 2, undecided: 0, withdrawals: 1, consent_rate: 0.75 },
  crisp: { granted: 5, denied: 3, undecided: 0, withdrawals: 0, consent_rate: 0.625 },
  matomo: { granted: 5, denied: 3, undecided: 0, withdrawals: 0, consent_rate: 0.625 },
}
const BY_CATEGORY = {
  preferences: { granted: 5, denied: 2, partial: 1, withdrawals: 1 },
  statistics: { granted: 5, denied: 3, partial: 0, withdrawals: 0 },
  marketing: { granted: 5, denied: 3, partial: 0, withdrawals: 0 },
}

/** Rows as `{key: metrics}`; of the metrics those that `wanted` names. */
const pick = (rows, dimension, wanted) =>
  Object.fromEntries(rows.filter(({ dimensions }) => dimensions[dimension] in wanted).map(({ dimensions, metrics }) => {
    const key = dimensions[dimension]
    return [key, Object.fromEntries(Object.keys(wanted[key]).map((metric) => [metric, metrics[metric]]))]
  }))

/** The site as its operator sets it up. Klaro asks for `google-ads` by name, the other banner for marketing as a whole. */
const setUp = (site, banner, shop) =>
  avow.call('PUT', `/api/v1/sites/${site}`, {
    name: `Shop with ${banner.name}`,
    origins: [shop.origin],
    services: { ...SERVICES, ...(banner.name === 'klaro' ? { 'google-ads': 'marketing' } : {}) },
    suppress_below: 1,
  })

const closesAtOnce = async (banner, visitor) => {
  const page = await visitor.open(banner.path)
  await page.locator(banner.name === 'klaro' ? '.cookie-notice .cm-btn-success' : '.cm__btn[data-role=all]').hover()
  await page.mouse.down()
  await page.mouse.up()
  await page.close()
}

for (const banner of BANNERS)
  test(`${banner.name}: clicks become exact numbers, and the dashboard shows Chaport`, LIMIT, async () => {
    const site = `${banner.name}.example`
    const shop = await openShop({ site, endpoint: '', beacon: `${avow.origin}/beacon.js` })
    await setUp(site, banner, shop)
    for (const act of VISITORS) {
      const door = doorOf(avow)
      const visitor = await visit(browser, shop, door)
      door.watch(visitor.context)
      await act(banner, visitor)
      for (const page of visitor.context.pages()) await visitor.posted(page)
      assert.ok(door.requests.length > 0 && door.requests.every((status) => status === 202), `answers: ${door.requests}`)
      await visitor.close()
    }
    const about = { sites: [site], date_range: days() }
    const closing = doorOf(avow)
    const hasty = await visit(browser, shop, closing)
    closing.watch(hasty.context)
    await closesAtOnce(banner, hasty)
    await avow.until({ ...about, metrics: ['decisions'] }, (rows) => rows[0]?.metrics.decisions >= TOTAL.decisions)
    await hasty.close()

    const since = Date.now()
    const ask = (metrics, ...dimensions) => avow.query({ ...about, metrics, dimensions }, since)
    const [{ metrics }] = await ask(Object.keys(TOTAL))
    assert.deepEqual(Object.fromEntries(Object.keys(TOTAL).map((name) => [name, metrics[name]])), TOTAL)
    assert.deepEqual(pick(await ask(Object.keys(BY_SERVICE.chaport), 'service'), 'service', BY_SERVICE), BY_SERVICE)
    assert.deepEqual(pick(await ask(Object.keys(BY_CATEGORY.preferences), 'category'), 'category', BY_CATEGORY), BY_CATEGORY)

    const context = await browser.newContext({ locale: 'en-GB' })
    const page = await context.newPage()
    await page.goto(`${avow.origin}/?site=${site}#token=${avow.token}`)
    for (const [service, { consent_rate }] of Object.entries(BY_SERVICE)) {
      const cell = page.locator(`[data-service="${service}"] [data-metric="consent_rate"]`).first()
      await cell.waitFor()
      assert.equal(Number(await cell.getAttribute('data-value')), consent_rate)
    }
    const row = page.locator('[data-service="chaport"]').first()
    assert.match(await row.innerText(), /Chaport/)
    assert.match(await row.innerText(), /75(\.0)?\s?%/)
    await context.close()
    shop.close()
  })

// The ten questions of README.md, each answered by the API, by clicks in Chromium, and from the raw events; all three the same.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAvow } from '../browser/avow.mjs'
import { launch } from '../browser/chromium.mjs'
import { answers } from './answers.mjs'
import { BLOG, DAYS, SERVICES, SHOP, rawEvents, requests } from './raw.mjs'

const LIMIT = { timeout: 300_000 }
const DAY = 86_400_000
/** The midnight, UTC, after which nothing was sent. */
const END = Math.floor(Date.now() / DAY) * DAY
const day = (moment) => new Date(moment).toISOString().slice(0, 10)
const ALL_DAYS = [day(END - DAYS * DAY), day(END - DAY)]
const OPT_IN = ['is', 'regime', ['opt_in']]

let avow, browser, page, expected, since
before(async () => {
  avow = await startAvow()
  browser = await launch()
  for (const site of [SHOP, BLOG]) {
    const settings = { name: site, services: SERVICES, validity_days: { granted: 180, refused: 180 } }
    await avow.call('PUT', `/api/v1/sites/${site}`, settings)
  }
  const raw = rawEvents(END)
  expected = answers(raw, { shop: SHOP, blog: BLOG })
  for (const { agent, country, events } of requests(raw)) {
    const response = await fetch(`${avow.origin}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': agent, 'CF-IPCountry': country },
      body: JSON.stringify({ events }),
    })
    assert.equal(response.status, 202, await response.clone().text())
    assert.deepEqual((await response.json()).rejected, [])
  }
  since = Date.now()
  await ask({ metrics: ['shown'] })
  page = await (await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 1000 } })).newPage()
}, LIMIT)
after(async () => {
  await browser?.close()
  if (avow) assert.equal(await avow.stop(), 0, 'SIGTERM drains')
})

/** The rows of a question about all of the days, once everything sent is counted. */
const ask = (question) => avow.query({ date_range: ALL_DAYS, filters: [OPT_IN], ...question }, since)
const by = (rows, dimension, metric) => Object.fromEntries(rows.map((row) => [row.dimensions[dimension], row.metrics[metric]]))

const settled = () => page.waitForFunction(() => document.querySelector('.board') && !document.querySelector('[aria-busy="true"]'))
/** Opens the overview anew, of the days that were sent, then a page of the navigation. */
const goTo = async (name) => {
  await page.goto(`${avow.origin}/#token=${avow.token}`)
  await settled()
  await between(...ALL_DAYS)
  if (name) await page.getByRole('navigation').getByRole('link', { name, exact: true }).click()
}
const between = async (from, to) => {
  await page.getByText('Dates', { exact: true }).click()
  await page.getByLabel('First day').fill(from)
  await page.getByLabel('First day').blur()
  await page.getByLabel('Last day').fill(to)
  await page.getByLabel('Last day').blur()
  await settled()
}
const filter = async (what, how, value) => {
  await page.getByRole('button', { name: 'Add a filter' }).click()
  const form = page.getByRole('group', { name: 'Filters' })
  await form.getByRole('combobox', { name: 'What' }).selectOption(what)
  await form.getByRole('combobox', { name: 'How' }).selectOption(how)
  await page.getByLabel('Values, separated by commas').fill(value)
  await page.getByRole('button', { name: 'Apply' }).click()
  await settled()
}
const site = async (name) => {
  await page.locator('details summary', { hasText: 'Sites' }).click()
  await page.getByRole('checkbox', { name }).check()
  await page.keyboard.press('Escape')
  await settled()
}
const openTable = (panel) => page.locator(`[data-panel="${panel}"] [data-table-toggle]`).click()
/** The exact value that a place of the page shows, whatever it is rounded to. */
const shows = async (selector, attribute = 'data-value') => {
  const place = page.locator(`${selector}[${attribute}]`).first()
  await place.waitFor()
  return Number(await place.getAttribute(attribute))
}
const near = (actual, wanted, what) => assert.ok(Math.abs(actual - wanted) < 1e-9, `${what}: ${actual}, not ${wanted}`)

/** An experiment's difference by the API: two arms of the shop, first prompts, no bots. */
const arms = async (dimension, filters = []) =>
  by(await ask({
    sites: [SHOP], metrics: ['opt_in_rate'], dimensions: [dimension],
    filters: [OPT_IN, ['is', 'prompt', ['first']], ['is', 'bot', ['no']], ...filters],
  }), dimension, 'opt_in_rate')

test('1. did the new version raise the opt-in rate in France on mobile?', LIMIT, async () => {
  const rates = await arms('banner_version', [['is', 'country', ['FR']], ['is', 'device', ['mobile']]])
  for (const version of ['v1', 'v2']) near(rates[version], expected.release(version), version)

  await goTo('Experiments')
  await page.getByRole('button', { name: SHOP }).click()
  await page.getByRole('combobox', { name: 'Compare', exact: true }).selectOption('banner_version')
  await filter('country', 'is', 'FR')
  await filter('device', 'is', 'mobile')
  near(await shows('[data-verdict] ', 'data-difference'), expected.release('v2') - expected.release('v1'), 'the page')
})

test('2. which services are refused most?', LIMIT, async () => {
  const rows = await ask({ metrics: ['denied'], dimensions: ['service'], order_by: [['denied', 'desc']] })
  const ranked = Object.entries(expected.denied).sort(([, a], [, b]) => b - a)
  assert.deepEqual(rows.map((row) => [row.dimensions.service, row.metrics.denied]), ranked)

  await goTo('Services')
  await page.locator('[data-panel="service"]').getByRole('button', { name: /Denied/ }).first().click()
  const first = page.locator('[data-panel="service"] tbody tr').first()
  assert.equal(await first.getAttribute('data-service'), ranked[0][0])
  assert.equal(Number(await first.locator('[data-metric="denied"]').getAttribute('data-value')), ranked[0][1])
})

test('3. is variant B better?', LIMIT, async () => {
  const rates = await arms('variant')
  for (const variant of ['A', 'B']) near(rates[variant], expected.variant(variant), variant)

  await goTo('Experiments')
  await page.getByRole('button', { name: SHOP }).click()
  near(await shows('[data-verdict] ', 'data-difference'), expected.variant('B') - expected.variant('A'), 'the page')
})

test('4. how many withdraw within a week?', LIMIT, async () => {
  const { rows, meta } = await avow.call('POST', '/api/v1/query', { date_range: ALL_DAYS, metrics: ['revoked_rate_7d'], filters: [OPT_IN] })
  const wanted = expected.revokedWithinAWeek(Date.parse(meta.freshness))
  near(rows[0].metrics.revoked_rate_7d, wanted, 'the API')
  assert.ok(wanted > 0 && wanted < 1)

  await goTo('Fairness')
  await settled()
  near(await shows('[data-metric-tile="revoked_rate_7d"]'), wanted, 'the page')
})

test('5. which sites collect Chaport without consent?', LIMIT, async () => {
  const filters = [OPT_IN, ['is', 'service', ['chaport']]]
  const found = by(await ask({ metrics: ['observed_without_consent'], dimensions: ['site'], filters }), 'site', 'observed_without_consent')
  assert.deepEqual(found, { [BLOG]: expected.withoutConsent(BLOG), [SHOP]: 0 })
  assert.equal(expected.withoutConsent(SHOP), 0)

  await goTo('Promise and reality')
  await filter('service', 'is', 'chaport')
  for (const [name, count] of Object.entries(found))
    assert.equal(await shows(`[data-panel="site"] [data-site="${name}"] [data-metric="observed_without_consent"]`), count, name)
})

test('6. how many banners of a site are left without a choice?', LIMIT, async () => {
  const [row] = await ask({ sites: [BLOG], metrics: ['no_choice'] })
  assert.equal(row.metrics.no_choice, expected.noChoice(BLOG))

  await goTo()
  await site(BLOG)
  assert.equal(await shows('[data-metric-tile="no_choice"]'), expected.noChoice(BLOG))
})

test('7. where is everything refused most often?', LIMIT, async () => {
  const rates = by(await ask({ metrics: ['reject_all_rate'], dimensions: ['country'] }), 'country', 'reject_all_rate')
  for (const country of ['FR', 'DE', 'ES']) near(rates[country], expected.rejects(country), country)

  await goTo('Segments')
  await settled()
  await page.getByRole('combobox', { name: 'Number' }).selectOption('reject_all_rate')
  await openTable('country')
  for (const country of ['FR', 'DE', 'ES'])
    near(await shows(`[data-panel="country"] [data-country="${country}"] [data-metric="reject_all_rate"]`), expected.rejects(country), country)
})

test('8. how much longer does refusing take than accepting?', LIMIT, async () => {
  const medians = by(await ask({ metrics: ['median_seconds_to_decide'], dimensions: ['method'] }), 'method', 'median_seconds_to_decide')
  for (const method of ['accept_all', 'reject_all']) assert.equal(medians[method], expected.secondsTo(method), method)

  await goTo('Fairness')
  await settled()
  near(await shows('[data-parity]'), expected.secondsTo('reject_all') / expected.secondsTo('accept_all') - 1, 'the page')
})

test('9. how many of the banners were shown to bots?', LIMIT, async () => {
  const shown = by(await ask({ metrics: ['shown'], dimensions: ['bot'] }), 'bot', 'shown')
  assert.deepEqual(shown, { no: expected.shown(false), yes: expected.shown(true) - expected.shown(false) })

  await goTo()
  assert.equal(await shows('[data-metric-tile="shown"]'), expected.shown(true))
  await page.getByRole('checkbox', { name: 'without bots' }).check()
  await settled()
  assert.equal(await shows('[data-metric-tile="shown"]'), expected.shown(false))
})

test('10. what became of Chaport\'s consent rate against the week before?', LIMIT, async () => {
  const [now, then] = [expected.chaport(END - 7 * DAY, END), expected.chaport(END - 14 * DAY, END - 7 * DAY)]
  const week = [day(END - 7 * DAY), day(END - DAY)]
  const filters = [OPT_IN, ['is', 'service', ['chaport']]]
  const [row] = await ask({ date_range: week, metrics: ['consent_rate'], dimensions: ['service'], filters, compare: 'previous_period' })
  near(row.metrics.consent_rate, now, 'now')
  near(row.comparison.metrics.consent_rate, then, 'then')
  near(row.comparison.change.consent_rate, now - then, 'the change')

  await goTo('Services')
  await settled()
  await between(...week)
  const place = '[data-panel="service"] [data-service="chaport"]'
  near(await shows(`${place} [data-metric="consent_rate"]`), now, 'the page')
  near(await shows(`${place} `, 'data-change'), now - then, 'the change on the page')
})

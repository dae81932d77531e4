// How the beacon posts when things go wrong: the server asks to wait, is full or gone, the page goes, the browser is old;
// and what the browser's own log says of everything that it asked the network for.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { BANNERS } from './banners.mjs'
import { launch } from './chromium.mjs'
import { record } from './recorder.mjs'
import { openShop } from './shop.mjs'
import { visit } from './visitor.mjs'

const LIMIT = { timeout: 60_000 }
const [vanilla] = BANNERS

let browser, recorder, shop
before(async () => {
  recorder = await record()
  shop = await openShop({ site: 'shop.example', endpoint: recorder.endpoint, beacon: '/beacon.js' })
  browser = await launch()
})
after(async () => {
  await browser.close()
  shop.close()
  recorder.close()
})

/** Opens the page as a new visitor; `answers` are the server's to the posts that follow the first one, `shown`. */
const scenario = (name, answers, run) =>
  test(name, LIMIT, async () => {
    recorder.clear()
    recorder.answers.splice(0)
    const visitor = await visit(browser, shop, recorder)
    try {
      const page = await visitor.open(vanilla.path)
      recorder.answers.push(...answers)
      await run(visitor, page)
    } finally {
      await visitor.close()
    }
  })

const body = ({ body }) => JSON.parse(body)
const arrived = (count) => recorder.until(() => recorder.requests.length >= count)

for (const status of [503, 429])
  scenario(`${status} with Retry-After: the same event again, with a new sent_at`, [{ status, headers: { 'retry-after': '1' } }],
    async (visitor, page) => {
      await vanilla.acceptAll(page)
      await arrived(3)
      const [first, second] = recorder.requests.slice(1).map((request) => body(request).events[0])
      assert.equal(first.type, 'decided')
      assert.ok(second.sent_at > first.sent_at)
      assert.deepEqual({ ...second, sent_at: 0 }, { ...first, sent_at: 0 })
    })

scenario('what is over quota in a mixed batch goes again, and nothing else of it', [], async (visitor, page) => {
  await vanilla.acceptAll(page)
  await visitor.posted(page)
  await vanilla.reopen(page)
  await vanilla.toggle(page, 'chaport')
  await vanilla.save(page)
  await visitor.posted(page)
  await vanilla.reopen(page)
  await vanilla.toggle(page, 'chaport', 'crisp')
  await page.route(recorder.endpoint, async (route) => {
    const [{ id }] = route.request().postDataJSON().events
    recorder.answers.push({ body: { accepted: 1, rejected: [{ index: 0, id, code: 'quota_exceeded' }], warnings: [] } })
    await route.continue()
  }, { times: 1 })
  await vanilla.save(page)
  await arrived(5)
  const [mixed, again] = recorder.requests.slice(3).map((request) => body(request).events)
  assert.deepEqual(mixed.map(({ type }) => type), ['withdrawn', 'decided'])
  assert.deepEqual(again.map(({ id }) => id), [mixed[0].id])
})

scenario('what the server answers is handed to the page: with receipts, where it is asked for them', [], async (visitor, page) => {
  const receipt = { id: 'AAAA', seed: '00', note: 'a note' }
  recorder.answers.push({ body: { accepted: 1, rejected: [], warnings: [], receipts: [{ index: 0, id: 'x', receipt }] } })
  const heard = page.evaluate(
    () => new Promise((resolve) => addEventListener('avow:answered', ({ detail }) => resolve(detail.receipts[0].receipt), { once: true })),
  )
  await vanilla.acceptAll(page)
  assert.deepEqual(await heard, receipt)
})

scenario('422 is final', [], async (visitor, page) => {
  await page.clock.install()
  await visitor.reload(page)
  const posted = recorder.requests.length
  recorder.answers.push({ status: 422, body: { rejected: [{ index: 0, id: 'x', code: 'unknown_site' }] } })
  const answer = page.waitForResponse(recorder.endpoint)
  await vanilla.acceptAll(page)
  await (await answer).finished()
  await visitor.posted(page)
  await page.clock.runFor(120_000)
  assert.equal((await visitor.posted(page)).length, posted + 1)
})

scenario('told to wait an hour, and the page goes: one more try', [{ status: 503, headers: { 'retry-after': '3600' } }],
  async (visitor, page) => {
    await vanilla.acceptAll(page)
    await visitor.posted(page)
    await page.goto('about:blank')
    await arrived(3)
    const [first, second] = recorder.requests.slice(1).map((request) => body(request).events[0].id)
    assert.equal(second, first)
  })

scenario('the browser is asked to finish what the page began, and to send no cookies', [], async (visitor) => {
  const page = await visitor.context.newPage()
  await page.addInitScript(() => {
    const { fetch } = window
    window.asked = []
    window.fetch = (url, options) => (window.asked.push(options), fetch(url, options))
  })
  await page.goto(shop.origin + vanilla.path)
  await vanilla.acceptAll(page)
  await arrived(3)
  const asked = await page.evaluate(() => window.asked.map(({ keepalive, credentials }) => [keepalive, credentials]))
  assert.deepEqual(asked, [[true, 'omit'], [true, 'omit']])
})

scenario('a browser without keepalive gets the same events by sendBeacon, as text', [], async (visitor) => {
  const page = await visitor.context.newPage()
  await page.addInitScript(() => delete Request.prototype.keepalive)
  await page.goto(shop.origin + vanilla.path)
  await vanilla.acceptAll(page)
  await arrived(3)
  for (const { method, headers } of recorder.requests.slice(1)) {
    assert.equal(method, 'POST')
    assert.match(headers['content-type'], /^text\/plain/)
  }
  assert.deepEqual(recorder.events().slice(1).map(({ type }) => type), ['shown', 'decided'])
})

scenario('no server: tried again until there is one', [], async (visitor, page) => {
  let refused = 0
  await page.route(recorder.endpoint, (route) => (refused++, route.abort('connectionrefused')), { times: 1 })
  await vanilla.acceptAll(page)
  await arrived(2)
  assert.equal(refused, 1)
  assert.equal(recorder.events()[1].type, 'decided')
})

test("by the browser's own log, before a choice the shop and one post are all that is asked for", LIMIT, async () => {
  recorder.clear()
  const folder = await mkdtemp(join(tmpdir(), 'avow-netlog-'))
  try {
    const log = join(folder, 'net.json')
    const logged = await launch(`--log-net-log=${log}`)
    for (const banner of BANNERS) {
      const visitor = await visit(logged, shop, recorder)
      await visitor.open(banner.path)
      await visitor.close()
    }
    await logged.close()
    const { constants, events } = JSON.parse(await readFile(log, 'utf8'))
    const start = constants.logEventTypes.URL_REQUEST_START_JOB
    // Chromium's own requests (updates, its account service) have no page for an initiator.
    const urls = events.filter(({ type, params }) => type === start && params?.initiator === shop.origin)
      .map(({ params }) => params.url)
    assert.equal(urls.filter((url) => url === recorder.endpoint).length, 2, 'one `shown` from each page')
    assert.ok(urls.includes(shop.origin + '/beacon.js'))
    assert.deepEqual(urls.filter((url) => url !== recorder.endpoint && !url.startsWith(shop.origin)), [])
  } finally {
    await rm(folder, { recursive: true })
  }
})

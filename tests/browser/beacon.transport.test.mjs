// How the beacon posts when things go wrong: the server asks to wait, is full or gone, the page goes, the browser is old;
// and what the browser's own log says of everything that it asked the network for.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ALL, BANNERS } from './banners.mjs'
import { launch } from './chromium.mjs'
import { LIMIT, recorder, scenario as begin, shop } from './harness.mjs'
import { visit } from './visitor.mjs'

const [vanilla] = BANNERS

/** Opens the page as a new visitor; `answers` are the server's to the posts that follow the first one, `shown`. */
const scenario = (name, answers, run) =>
  begin(name, async (visitor) => {
    const page = await visitor.open(vanilla.path)
    recorder.answers.push(...answers)
    await run(visitor, page)
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

/** What pages of the shop asked the network for, by Chromium's own log, while `run` drove it. */
const asked = async (run) => {
  const folder = await mkdtemp(join(tmpdir(), 'avow-netlog-'))
  try {
    const log = join(folder, 'net.json')
    const logged = await launch(`--log-net-log=${log}`)
    await run(logged)
    await logged.close()
    const { constants, events } = JSON.parse(await readFile(log, 'utf8'))
    const start = constants.logEventTypes.URL_REQUEST_START_JOB
    // Chromium's own requests (updates, its account service) have no page for an initiator.
    return events.filter(({ type, params }) => type === start && params?.initiator === shop.origin).map(({ params }) => params.url)
  } finally {
    await rm(folder, { recursive: true })
  }
}

test("by the browser's own log, before a choice the shop and one post are all that is asked for", LIMIT, async () => {
  recorder.clear()
  const urls = await asked(async (logged) => {
    for (const banner of ALL) {
      const visitor = await visit(logged, shop, recorder)
      await visitor.open(banner.path)
      await visitor.close()
    }
  })
  assert.equal(urls.filter((url) => url === recorder.endpoint).length, ALL.length, 'one `shown` from each page')
  assert.ok(urls.includes(shop.origin + '/beacon.js'))
  assert.deepEqual(urls.filter((url) => url !== recorder.endpoint && !url.startsWith(shop.origin)), [])
})

test('with data-shown=off, before a choice nothing is asked for and nothing is stored', LIMIT, async () => {
  recorder.clear()
  const urls = await asked(async (logged) => {
    for (const banner of ALL) {
      const visitor = await visit(logged, shop, recorder)
      const page = await visitor.open(`${banner.path}?shown=off`)
      const { cookies, ...rest } = await visitor.stored(page)
      assert.deepEqual(cookies, banner.before ?? [], banner.name)
      assert.deepEqual(rest, { local: [], session: [], databases: [], caches: [] }, banner.name)
      await visitor.close()
    }
  })
  assert.deepEqual(urls.filter((url) => !url.startsWith(shop.origin)), [])
  assert.deepEqual(recorder.requests, [])
})

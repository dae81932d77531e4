// What the beacon keeps in the browser, and when: events without an answer, once something was granted; and a visitor's receipt,
// once she has asked for it.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { BANNERS } from './banners.mjs'
import { recorder, scenario, story } from './harness.mjs'

const [vanilla, klaro] = BANNERS
const BUSY = { status: 503, headers: { 'retry-after': '3600' } }

const storage = (page) => page.evaluate(() => ({ ...localStorage }))
/** Events by the requests that the server took. */
const taken = () => recorder.requests.filter(({ status }) => status === 202).flatMap(({ body }) => JSON.parse(body).events)
const requests = (count) => recorder.until(() => recorder.requests.length >= count)
const emptied = (page) => page.waitForFunction(() => !localStorage.length)

for (const banner of [vanilla, klaro])
  scenario(`retry: ${banner.name}, the server cannot take it, the page goes, and the next one sends the same event`, async (visitor) => {
    const page = await visitor.open(banner.path + '?retry')
    assert.deepEqual(await storage(page), {}, 'nothing before a choice')
    recorder.answers.push(BUSY, BUSY)
    await banner.acceptAll(page)
    await visitor.posted(page)
    const { id } = recorder.events()[1]
    const waiting = JSON.parse((await storage(page))['avow-queue'])
    assert.deepEqual(waiting.map((event) => [event.id, event.type]), [[id, 'decided']])
    await page.goto('about:blank')
    await requests(3) // the last try of a page that goes
    assert.deepEqual(taken().map(({ type }) => type), ['shown'])

    const next = await visitor.open(banner.path + '?retry')
    await requests(4)
    await emptied(next)
    assert.deepEqual(taken().map(({ type, id: one }) => [type, one === id]), [['shown', false], ['decided', true]])
    await visitor.reload(next)
    assert.equal((await visitor.posted(next)).length, 2)
  })

scenario('retry: no server at the click, and the tab is closed', async (visitor) => {
  const page = await visitor.open(vanilla.path + '?retry')
  await page.route(recorder.endpoint, (route) => route.abort('connectionrefused'))
  const failed = page.waitForEvent('requestfailed')
  await vanilla.acceptAll(page)
  await failed
  await page.close()
  assert.deepEqual(recorder.events().map(({ type }) => type), ['shown'])
  const next = await visitor.context.newPage()
  await next.goto(page.url())
  await requests(2)
  await emptied(next)
  // By their ids: the dying page's last try may have come through as well.
  assert.deepEqual(story(recorder.events()), ['shown first', 'decided first accept_all'])
})

scenario('retry: after a refusal nothing waits', async (visitor) => {
  const page = await visitor.open(vanilla.path + '?retry')
  recorder.answers.push(BUSY)
  await vanilla.rejectAll(page)
  await visitor.posted(page)
  assert.deepEqual(await storage(page), {})
})

scenario('retry: what was taken leaves nothing behind', async (visitor) => {
  const page = await visitor.open(vanilla.path + '?retry')
  await vanilla.acceptAll(page)
  await visitor.posted(page)
  await emptied(page)
})

scenario('retry: when everything is taken back, what waits is sent once, and nothing is kept', async (visitor) => {
  const page = await visitor.open(vanilla.path + '?retry')
  recorder.answers.push(BUSY, BUSY)
  await vanilla.acceptAll(page)
  await visitor.posted(page)
  await page.goto('about:blank')
  await requests(3)
  recorder.answers.push(BUSY) // still busy when the next page sends it again
  const next = await visitor.open(vanilla.path + '?retry')
  await requests(4)
  await visitor.posted(next)
  assert.deepEqual(Object.keys(await storage(next)), ['avow-queue'])
  await vanilla.reopen(next)
  await next.click('.pm__btn[data-role=necessary]')
  await visitor.posted(next)
  assert.deepEqual(await storage(next), {})
  await next.goto('about:blank') // the wait that the server asked for ends with the page
  await recorder.until(() => taken().length > 2)
  const ids = new Set(taken().map(({ id }) => id))
  assert.deepEqual([ids.size, story(recorder.events())], [3, ['shown first', 'decided first accept_all', 'withdrawn user_opened']])
})

scenario('retry: at most 50 events, none older than a day', async (visitor) => {
  const page = await visitor.open(vanilla.path + '?retry')
  await vanilla.acceptAll(page)
  await visitor.posted(page)
  await emptied(page)
  const [, choice] = recorder.events()
  await page.evaluate((event) => {
    const old = new Date(Date.now() - 864e5 - 1e3).toISOString()
    const events = Array.from({ length: 60 }, (_, index) => ({ ...event, id: 'event-' + index, occurred_at: index ? event.occurred_at : old }))
    localStorage['avow-queue'] = JSON.stringify(events)
  }, choice)
  recorder.answers.push({ ...BUSY, headers: { 'retry-after': '3600', connection: 'close' } })
  await visitor.reload(page)
  await recorder.until(() => recorder.events().length >= 61)
  assert.equal(recorder.events().some(({ id }) => id === 'event-0'), false)
  assert.ok((JSON.parse((await storage(page))['avow-queue'] ?? '[]')).length <= 50)
})

/** A receipt for every event of a post, as the server would sign it. */
const receipted = async (page) => {
  let count = 0
  await page.route(recorder.endpoint + '?receipt=1', async (route) => {
    const { events } = JSON.parse(route.request().postData())
    const receipts = events.map(({ id }, index) => ({ index, id, receipt: { id: `receipt+${++count}`, seed: '00', note: 'a note' } }))
    await route.fulfill({ json: { accepted: events.length, rejected: [], warnings: [], receipts }, headers: { 'access-control-allow-origin': '*' } })
  })
}
const MARK = '<button data-avow="receipt" id="receipt">My receipt</button>'

scenario('receipts: kept and given only to the visitor who asks', async (visitor) => {
  const page = await visitor.context.newPage()
  await receipted(page)
  await page.goto(`${new URL(vanilla.path + '?receipts', (await visitor.open(vanilla.path + '?late')).url())}`)
  await page.evaluate((mark) => document.body.insertAdjacentHTML('beforeend', mark), MARK)
  const answered = page.waitForResponse(/receipt=1/)
  await vanilla.acceptAll(page)
  await (await answered).finished()
  assert.deepEqual(await storage(page), {})

  const download = page.waitForEvent('download')
  await page.click('#receipt')
  const file = await download
  assert.match(file.suggestedFilename(), /^avow-receipt-\w{1,8}\.json$/)
  const receipt = JSON.parse(await readFile(await file.path(), 'utf8'))
  assert.deepEqual(Object.keys(receipt), ['id', 'seed', 'note'])
  assert.deepEqual(JSON.parse((await storage(page))['avow-receipt']), receipt)

  await page.reload()
  await page.evaluate((mark) => document.body.insertAdjacentHTML('beforeend', mark), MARK)
  const again = page.waitForEvent('download')
  await page.click('#receipt')
  assert.deepEqual(JSON.parse(await readFile(await (await again).path(), 'utf8')), receipt)

  await vanilla.reopen(page)
  await vanilla.toggle(page, 'chaport')
  await vanilla.save(page)
  await page.waitForFunction((id) => JSON.parse(localStorage['avow-receipt']).id !== id, receipt.id)
  visitor.foreign.splice(0)
})

scenario('receipts: asked for without any, nothing is kept, and the page hears of it', async (visitor) => {
  const page = await visitor.open(vanilla.path + '?late')
  await receipted(page)
  await page.goto(page.url().replace('late', 'receipts'))
  await page.evaluate((mark) => document.body.insertAdjacentHTML('beforeend', mark), MARK)
  const heard = page.evaluate(() => new Promise((resolve) => addEventListener('avow:receipt', ({ detail }) => resolve(detail ?? 'none'))))
  await page.click('#receipt')
  assert.equal(await heard, 'none')
  assert.deepEqual(await storage(page), {})
  visitor.foreign.splice(0)
})

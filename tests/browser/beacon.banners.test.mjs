// What one visitor's clicks make the browser post, event by event, on a page with each real banner.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { BANNERS } from './banners.mjs'
import { launch } from './chromium.mjs'
import { record } from './recorder.mjs'
import { openShop } from './shop.mjs'
import { outline, visit } from './visitor.mjs'

const SITE = 'shop.example'
const LIMIT = { timeout: 60_000 }

let browser, recorder, shop
before(async () => {
  recorder = await record()
  shop = await openShop({ site: SITE, endpoint: recorder.endpoint, beacon: '/beacon.js' })
  browser = await launch()
})
after(async () => {
  await browser.close()
  shop.close()
  recorder.close()
})

const SHOWN = { type: 'shown', prompt: 'first', layer: 1 }
const all = (keys, value) => Object.fromEntries(keys.map((key) => [key, value]))

/** Opens the page as a new visitor, and leaves no trace of her afterwards. */
const scenario = (banner, name, run) =>
  test(`${banner.name}: ${name}`, LIMIT, async () => {
    recorder.clear()
    const visitor = await visit(browser, shop, recorder)
    try {
      await run(visitor, await visitor.open(banner.path))
      assert.deepEqual(visitor.foreign, [], 'nothing but the shop and the endpoint is asked for anything')
    } finally {
      await visitor.close()
    }
  })

for (const banner of BANNERS) {
  const granted = { ...banner.always, preferences: true, statistics: true, marketing: true }
  const refused = { ...banner.always, preferences: false, statistics: false, marketing: false }
  const decided = (method, layer, clicks, categories, services) => ({
    type: 'decided', prompt: 'first', method, layer, clicks, categories, services,
  })

  scenario(banner, 'before a choice, one post without a subject and nothing stored', async (visitor, page) => {
    const [shown, ...more] = await visitor.posted(page)
    assert.deepEqual(more, [])
    assert.deepEqual(outline(shown), SHOWN)
    assert.equal(shown.subject, undefined)
    assert.equal(shown.site, SITE)
    assert.equal(shown.page, shop.origin + banner.path)
    assert.deepEqual(shown.banner, { version: '2026-11-01', language: 'en', variant: 'B' })
    const [{ method, headers }] = recorder.requests
    assert.equal(method, 'POST', 'no preflight')
    assert.match(headers['content-type'], /^text\/plain/)
    assert.equal(headers.cookie, undefined)
    assert.deepEqual(await visitor.context.cookies(), [])
    assert.deepEqual(await page.evaluate(async () => ({
      local: { ...localStorage }, session: { ...sessionStorage },
      databases: await indexedDB.databases(), caches: await caches.keys(),
    })), { local: {}, session: {}, databases: [], caches: [] })
  })

  scenario(banner, 'accept all', async (visitor, page) => {
    await banner.acceptAll(page)
    const [shown, choice, ...more] = await visitor.posted(page)
    assert.deepEqual(more, [])
    assert.deepEqual(outline(shown), SHOWN)
    assert.deepEqual(outline(choice), decided('accept_all', 1, 1, granted, all(banner.services, true)))
    assert.equal(choice.view, shown.view)
    assert.equal(choice.subject, banner.subject(await visitor.context.cookies()))
    assert.ok(choice.effort.ms >= 0 && choice.expires_at > choice.occurred_at && choice.sent_at >= choice.occurred_at)
    assert.equal(choice.previous, undefined)
  })

  scenario(banner, 'reject all', async (visitor, page) => {
    await banner.rejectAll(page)
    const [, choice, ...more] = await visitor.posted(page)
    assert.deepEqual(more, [])
    assert.deepEqual(outline(choice), decided('reject_all', 1, 1, refused, all(banner.services, false)))
  })

  scenario(banner, 'Chaport granted and Crisp refused', async (visitor, page) => {
    await banner.choose(page)
    await banner.toggle(page, 'chaport')
    await banner.save(page)
    const [, choice, ...more] = await visitor.posted(page)
    assert.deepEqual(more, [])
    const { preferences, ...others } = refused
    const services = { ...all(banner.services, false), chaport: true }
    const clicks = banner.name === 'klaro' ? 3 : 4 // vanilla-cookieconsent's services lie behind one more click
    assert.deepEqual(outline(choice), decided('save', 2, clicks, others, services))
  })

  scenario(banner, 'reload and a second tab after the choice say nothing', async (visitor, page) => {
    await banner.acceptAll(page)
    await visitor.reload(page)
    await visitor.reload(page)
    const second = await visitor.open(banner.path)
    await visitor.posted(page)
    assert.deepEqual((await visitor.posted(second)).map(({ type }) => type), ['shown', 'decided'])
  })

  scenario(banner, 'withdrawal by reopening, after a reload', async (visitor, page) => {
    await banner.acceptAll(page)
    await visitor.reload(page)
    await banner.reopen(page)
    await banner.toggle(page, 'chaport')
    await banner.save(page)
    const [, choice, withdrawal, ...more] = await visitor.posted(page)
    assert.deepEqual(more, [])
    const { clicks, ...rest } = outline(withdrawal)
    assert.deepEqual(rest, { type: 'withdrawn', prompt: 'user_opened', layer: 2, categories: {}, services: { chaport: false } })
    assert.equal(withdrawal.subject, choice.subject)
    assert.equal(withdrawal.previous, choice.id)
    assert.notEqual(withdrawal.view, choice.view)

    await visitor.reload(page)
    assert.equal((await visitor.posted(page)).length, 3)
  })

  scenario(banner, 'a grant and a withdrawal in one save are two events', async (visitor, page) => {
    await banner.choose(page)
    await banner.toggle(page, 'chaport')
    await banner.save(page)
    await banner.reopen(page)
    await banner.toggle(page, 'chaport', 'crisp')
    await banner.save(page)
    const [, first, withdrawal, choice, ...more] = await visitor.posted(page)
    assert.deepEqual(more, [])
    assert.deepEqual([withdrawal.type, withdrawal.services, withdrawal.previous], ['withdrawn', { chaport: false }, first.id])
    assert.deepEqual([choice.type, choice.prompt, choice.method, choice.previous], ['decided', 'user_opened', 'save', withdrawal.id])
    assert.deepEqual([choice.services.chaport, choice.services.crisp], [false, true])
    assert.ok(choice.id > withdrawal.id)
  })

  scenario(banner, 'saving what was saved before, or closing, says nothing', async (visitor, page) => {
    await banner.acceptAll(page)
    await banner.reopen(page)
    await banner.save(page)
    assert.equal((await visitor.posted(page)).length, 2)
  })

  scenario(banner, 'two tabs open before the choice, and it is made in one', async (visitor, page) => {
    const second = await visitor.open(banner.path)
    await page.bringToFront()
    await banner.rejectAll(page)
    await visitor.posted(page)
    await visitor.reload(second)
    const events = await visitor.posted(second)
    assert.deepEqual(events.map(({ type }) => type), ['shown', 'shown', 'decided'])
    assert.equal(new Set(events.map(({ view }) => view)).size, 2)
  })

  scenario(banner, 'two tabs open before the choice, and both are answered', async (visitor, page) => {
    const second = await visitor.open(banner.path)
    await page.bringToFront()
    await banner.rejectAll(page)
    await visitor.posted(page)
    await second.bringToFront()
    await banner.acceptAll(second)
    const events = await visitor.posted(second)
    assert.deepEqual(events.map(({ type, prompt }) => [type, prompt]), [
      ['shown', 'first'], ['shown', 'first'], ['decided', 'first'], ['decided', 'first'],
    ])
    const [, , first, then] = events
    assert.equal(then.previous, first.id)
    assert.equal(then.subject, banner.subject(await visitor.context.cookies()))
  })

  scenario(banner, 'the tab is closed at once after the click', async (visitor, page) => {
    const accept = page.locator(banner.name === 'klaro' ? '.cookie-notice .cm-btn-success' : '.cm__btn[data-role=all]')
    // A trial: the button stands still and nothing lies over it. Then the mouse alone, which waits for nothing.
    await accept.click({ trial: true })
    const { x, y, width, height } = await accept.boundingBox()
    await page.mouse.move(x + width / 2, y + height / 2)
    await page.mouse.down()
    const begun = page.waitForRequest(recorder.endpoint)
    const clicked = performance.now()
    await page.mouse.up()
    await begun
    await page.close()
    console.log(`# ${banner.name}: tab gone ${Math.round(performance.now() - clicked)} ms after the click`)
    await recorder.until(() => recorder.events().some(({ type }) => type === 'decided'))
    const next = await visitor.open(banner.path)
    await visitor.posted(next)
    assert.deepEqual(recorder.events().map(({ type }) => type), ['shown', 'decided'])
  })

  scenario(banner, "the site's own scripts decide nothing", async (visitor, page) => {
    await page.click('#own-accept')
    assert.deepEqual((await visitor.posted(page)).map(({ type }) => type), ['shown'])
    await visitor.go(page, banner.path)
    await banner.reopen(page)
    await page.evaluate(() => document.querySelector('.cm-btn-accept, .pm__btn[data-role=necessary]').click())
    assert.deepEqual((await visitor.posted(page)).map(({ type }) => type), ['shown'])
  })

  scenario(banner, 'a choice that a script made on loading is no decision', async (visitor, page) => {
    await visitor.go(page, banner.path + '?grant')
    await visitor.reload(page)
    assert.deepEqual(recorder.events().map(({ type }) => type), ['shown', 'shown'])
  })
}

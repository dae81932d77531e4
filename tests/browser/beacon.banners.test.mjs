// What one visitor's clicks make the browser post, event by event, on a page with each real banner.

import assert from 'node:assert/strict'
import { ALL } from './banners.mjs'
import { recorder, scenario as begin, shop, SITE } from './harness.mjs'
import { outline } from './visitor.mjs'

const SHOWN = { type: 'shown', prompt: 'first', layer: 1 }

for (const banner of ALL) {
  const [one, other] = banner.two ?? []
  const only = (...names) => banner.said((name) => names.includes(name))
  const decided = (method, layer, clicks, said) =>
    JSON.parse(JSON.stringify({ type: 'decided', prompt: 'first', method, layer, clicks, ...said }))

  /** Opens the page as a new visitor. */
  const scenario = (name, run) =>
    begin(`${banner.name}: ${name}`, async (visitor, t) => run(visitor, await visitor.open(banner.path), t))

  scenario('before a choice, one post without a subject and nothing stored', async (visitor, page) => {
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
    assert.deepEqual(await visitor.stored(page), { cookies: banner.before ?? [], local: [], session: [], databases: [], caches: [] })
  })

  scenario('accept all', async (visitor, page) => {
    await banner.acceptAll(page)
    const [shown, choice, ...more] = await visitor.posted(page)
    assert.deepEqual(more, [])
    assert.deepEqual(outline(shown), SHOWN)
    assert.deepEqual(outline(choice), decided('accept_all', 1, 1, banner.said(() => true)))
    assert.equal(choice.view, shown.view)
    assert.equal(choice.subject, banner.subject(await visitor.context.cookies()))
    assert.ok(choice.effort.ms >= 0 && choice.sent_at >= choice.occurred_at)
    if (!banner.endless) assert.ok(choice.expires_at > choice.occurred_at)
    assert.equal(choice.previous, undefined)
    const cookies = await visitor.context.cookies()
    const ours = cookies.find(({ name }) => name === 'avow')
    const theirs = Math.max(...cookies.filter(({ name }) => name !== 'avow').map(({ expires }) => expires))
    if (ours && !banner.endless) assert.ok(ours.expires <= theirs + 1, 'the subject does not outlive the choice')
  })

  scenario('reject all', async (visitor, page) => {
    await banner.rejectAll(page)
    const [, choice, ...more] = await visitor.posted(page)
    assert.deepEqual(more, [])
    assert.deepEqual(outline(choice), decided('reject_all', 1, 1, only()))
  })

  if (one) scenario(`${one} granted and ${other} refused`, async (visitor, page) => {
    await banner.choose(page)
    await banner.toggle(page, one)
    await banner.save(page)
    const [, choice, ...more] = await visitor.posted(page)
    assert.deepEqual(more, [])
    assert.deepEqual(outline(choice), decided('save', 2, banner.clicks, only(one)))
  })

  scenario('reload and a second tab after the choice say nothing', async (visitor, page) => {
    await banner.acceptAll(page)
    await visitor.reload(page)
    await visitor.reload(page)
    const second = await visitor.open(banner.path)
    await visitor.posted(page)
    assert.deepEqual((await visitor.posted(second)).map(({ type }) => type), ['shown', 'decided'])
  })

  if (one) scenario('withdrawal by reopening, after a reload', async (visitor, page) => {
    await banner.acceptAll(page)
    await visitor.reload(page)
    await banner.reopen(page)
    await banner.toggle(page, one)
    await banner.save(page)
    const [, choice, withdrawal, ...more] = await visitor.posted(page)
    assert.deepEqual(more, [])
    const { clicks, ...rest } = outline(withdrawal)
    assert.deepEqual(rest, { type: 'withdrawn', prompt: 'user_opened', layer: 2, ...banner.taken(one) })
    assert.equal(withdrawal.subject, choice.subject)
    assert.equal(withdrawal.previous, choice.id)
    assert.notEqual(withdrawal.view, choice.view)

    await visitor.reload(page)
    assert.equal((await visitor.posted(page)).length, 3)
  })

  if (one) scenario('a grant and a withdrawal in one save are two events', async (visitor, page) => {
    await banner.choose(page)
    await banner.toggle(page, one)
    await banner.save(page)
    await banner.reopen(page)
    await banner.toggle(page, one, other)
    await banner.save(page)
    const [, first, withdrawal, choice, ...more] = await visitor.posted(page)
    assert.deepEqual(more, [])
    const { services, purposes, categories } = outline(withdrawal)
    assert.deepEqual([withdrawal.type, withdrawal.previous], ['withdrawn', first.id])
    assert.deepEqual(JSON.parse(JSON.stringify({ services, purposes, categories })), banner.taken(one))
    assert.deepEqual([choice.type, choice.prompt, choice.previous], ['decided', 'user_opened', withdrawal.id])
    const { clicks, layer, ...said } = outline(choice)
    assert.deepEqual(said, { type: 'decided', prompt: 'user_opened', method: 'save', ...only(other) })
    assert.ok(choice.id > withdrawal.id)
  })

  if (one) scenario('saving what was saved before, or closing, says nothing', async (visitor, page) => {
    await banner.acceptAll(page)
    await banner.reopen(page)
    await banner.save(page)
    assert.equal((await visitor.posted(page)).length, 2)
  })

  scenario('two tabs open before the choice, and it is made in one', async (visitor, page) => {
    const second = await visitor.open(banner.path)
    await page.bringToFront()
    await banner.rejectAll(page)
    await visitor.posted(page)
    await visitor.reload(second)
    const events = await visitor.posted(second)
    assert.deepEqual(events.map(({ type }) => type), ['shown', 'shown', 'decided'])
    assert.equal(new Set(events.map(({ view }) => view)).size, 2)
  })

  scenario('two tabs open before the choice, and both are answered', async (visitor, page) => {
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

  scenario('the tab closes itself in the task after the one in which the choice was stored', async (visitor, page, t) => {
    // A script may close only a tab that a script has opened.
    const opened = page.waitForEvent('popup')
    await page.evaluate(() => void window.open(location.href))
    const tab = await visitor.loaded(await opened)
    const closed = tab.waitForEvent('close')
    // How soon after the click the tab is gone, told to the tab that opened it.
    await page.evaluate(() => {
      window.left = new Promise((told) => (new BroadcastChannel('left').onmessage = ({ data }) => told(data)))
    })
    await tab.evaluate(() => {
      const left = new BroadcastChannel('left')
      addEventListener('click', ({ timeStamp }) => addEventListener('pagehide', () => left.postMessage(performance.now() - timeStamp)), true)
    })
    await tab.evaluate(banner.closing ?? (() => void addEventListener('click', () => setTimeout(() => window.close()))))
    await tab.click(banner.accept, { noWaitAfter: true }).catch((gone) => assert.match(gone.message, /closed/))
    await closed
    t.diagnostic(`the tab is gone ${(await page.evaluate(() => window.left)).toFixed(1)} ms after the click`)
    await recorder.until(() => recorder.events().some(({ type }) => type === 'decided'))
    await visitor.reload(page)
    assert.deepEqual(recorder.events().map(({ type }) => type), ['shown', 'shown', 'decided'])
  })

  scenario("the site's own scripts decide nothing", async (visitor, page) => {
    await page.click('#own-accept')
    assert.deepEqual((await visitor.posted(page)).map(({ type }) => type), ['shown'])
    if (!banner.scripted) return
    await visitor.go(page, banner.path)
    await banner.reopen(page)
    await page.evaluate((button) => document.querySelector(button).click(), banner.scripted)
    assert.deepEqual((await visitor.posted(page)).map(({ type }) => type), ['shown'])
  })

  scenario('a choice that a script made on loading is no decision', async (visitor, page) => {
    await visitor.go(page, banner.path + '?grant')
    await visitor.reload(page)
    assert.deepEqual(recorder.events().map(({ type }) => type), ['shown', 'shown'])
  })
}

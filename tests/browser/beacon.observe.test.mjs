// Promise against reality: what the beacon sees of a page, when it may look at all, and what of it leaves the browser.

import assert from 'node:assert/strict'
import { ALL, BANNERS } from './banners.mjs'
import { loadBeacon, recorder, scenario, shop, SITE } from './harness.mjs'

const [vanilla, klaro] = BANNERS
const CATALOGUE = { cookies: ['chaport_uid', '_ga_*'], domains: ['chaport.com', 'crisp.chat'] }
/** A host of Chaport's, and one that the catalogue does not know. */
const CHAT = 'https://app.chaport.com/widget.js'
const OTHER = 'https://cdn.shop.example/app.js'

const observed = () => recorder.events().filter(({ type }) => type === 'observed')
const seen = (count) => recorder.until(() => observed().length >= count)
const facts = ({ observed: { cookies, domains, others, state } }) => ({ cookies, domains, others, state })

/** Counts what `beacon-observe.js` reads: cookies, and lists of requests. */
const spy = () => {
  window.reads = 0
  const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie')
  const ours = () => new Error().stack.includes('beacon-observe')
  Object.defineProperty(Document.prototype, 'cookie', { set, get() { return (window.reads += ours()), get.call(this) } })
  const { observe } = PerformanceObserver.prototype
  PerformanceObserver.prototype.observe = function (...by) { return (window.reads += ours()), observe.apply(this, by) }
  const { getEntriesByType } = performance
  performance.getEntriesByType = (...by) => ((window.reads += ours()), getEntriesByType.apply(performance, by))
}

/** A page that asks for the chat and sets its cookie before anybody has chosen anything. */
const tooEarly = ([chat, other]) => {
  if (!location.protocol.startsWith('http')) return
  document.cookie = 'chaport_uid=secret-value;path=/'
  document.cookie = '_ga_1X2Y3Z=secret-value;path=/'
  document.cookie = 'basket=secret-value;path=/'
  for (const url of [chat, other]) fetch(url, { mode: 'no-cors' })
}

/** A visitor of a shop whose chat answers. */
const withChat = (name, run) =>
  scenario(name, async (visitor) => {
    await visitor.context.route(/^https:/, (route) => route.fulfill({ body: '' }))
    recorder.observe.answer = CATALOGUE
    await run(visitor)
    assert.deepEqual(visitor.foreign.splice(0).filter((url) => url !== CHAT && url !== OTHER), [])
  })

/** Where the observer's answer has come, and nothing can follow any more. */
const settled = async (visitor, page) => {
  await visitor.posted(page)
  await page.waitForTimeout(600)
  await visitor.posted(page)
}

scenario('observation: without the attribute nothing is asked and nothing is read', async (visitor) => {
  const scripts = []
  visitor.context.on('request', (request) => scripts.push(request.url()))
  await visitor.context.addInitScript(spy)
  const page = await visitor.open(vanilla.path)
  await vanilla.acceptAll(page)
  await visitor.posted(page)
  assert.deepEqual(scripts.filter((url) => url.includes('observe')), [])
  assert.equal(await page.evaluate(() => window.reads), 0)
})

scenario('observation: a no of the server, and nothing is read', async (visitor) => {
  await visitor.context.addInitScript(spy)
  const asked = visitor.context.waitForEvent('requestfinished', (request) => request.url().includes('/v1/observe'))
  const page = await visitor.open(vanilla.path + '?observe=all')
  await asked
  await vanilla.acceptAll(page)
  await settled(visitor, page)
  assert.deepEqual(recorder.observe.asked, [{ site: SITE }])
  assert.equal(await page.evaluate(() => window.reads), 0)
  assert.deepEqual(recorder.events().map(({ type }) => type), ['shown', 'decided'])
  assert.deepEqual((await visitor.stored(page)).session, [])
})

scenario('observation: audit asks nothing of a visitor without the switch, and keeps nothing', async (visitor) => {
  recorder.observe.answer = CATALOGUE
  await visitor.context.addInitScript(spy)
  const script = visitor.context.waitForEvent('requestfinished', (request) => request.url().includes('beacon-observe.js'))
  const page = await visitor.open(vanilla.path + '?observe=audit')
  await script
  await settled(visitor, page)
  assert.deepEqual(recorder.observe.asked, [])
  assert.equal(await page.evaluate(() => window.reads), 0)
  const { cookies, local, session } = await visitor.stored(page)
  assert.deepEqual([cookies, local, session], [[], [], []])
})

withChat('observation: the operator switches the audit on by an address, for this tab', async (visitor) => {
  await visitor.context.addInitScript(tooEarly, [CHAT, OTHER])
  const page = await visitor.open(vanilla.path + '?observe=audit#avow-audit=abc.DEF-1')
  await seen(1)
  assert.deepEqual(recorder.observe.asked, [{ site: SITE, switch: 'abc.DEF-1' }])
  assert.equal(page.url(), shop.origin + vanilla.path + '?observe=audit')
  await visitor.go(page, vanilla.path + '?observe=audit&next')
  await seen(2)
  assert.deepEqual(recorder.observe.asked[1], { site: SITE, switch: 'abc.DEF-1' })

  recorder.observe.answer = null
  const refused = page.waitForEvent('requestfinished', (request) => request.url().includes('/v1/observe'))
  await visitor.go(page, vanilla.path + '?observe=audit')
  await refused
  await page.waitForFunction(() => !sessionStorage.length)
})

withChat('observation: seen before any choice, after the grant, and after the withdrawal; names only', async (visitor) => {
  await visitor.context.addInitScript(tooEarly, [CHAT, OTHER])
  const page = await visitor.open(vanilla.path + '?observe=all')
  await seen(1)
  const [early] = observed()
  // The banner's cookie is not there yet; the shop's basket and its other host are the others.
  assert.deepEqual(facts(early), { cookies: ['chaport_uid', '_ga_1X2Y3Z'], domains: ['app.chaport.com'], others: 2, state: {} })
  assert.equal(early.subject, undefined)
  assert.equal(early.page, shop.origin + vanilla.path)

  await vanilla.acceptAll(page)
  await seen(2)
  const granted = { necessary: true, preferences: true, statistics: true, marketing: true, chaport: true, crisp: true, matomo: true }
  // What was asked for before the choice is not set against it; `cc_cookie` and the basket are the others.
  assert.deepEqual(facts(observed()[1]), { cookies: ['chaport_uid', '_ga_1X2Y3Z'], domains: [], others: 2, state: granted })

  await vanilla.reopen(page)
  await vanilla.toggle(page, 'chaport')
  await vanilla.save(page)
  await seen(3)
  const { state, cookies, domains } = facts(observed()[2])
  assert.deepEqual([state.chaport, state.crisp, 'preferences' in state], [false, true, false])
  assert.deepEqual([cookies, domains], [['chaport_uid', '_ga_1X2Y3Z'], []])

  await page.evaluate((chat) => fetch(chat, { mode: 'no-cors' }), CHAT)
  await page.goto('about:blank')
  await seen(4)
  assert.deepEqual(facts(observed()[3]).domains, ['app.chaport.com'])
  assert.deepEqual(facts(observed()[3]).state, state)
  assert.ok(recorder.requests.every(({ body }) => !body.includes('secret')))
})

withChat('observation: a choice at once, and what was there before it is told as before it', async (visitor) => {
  await visitor.context.addInitScript(tooEarly, [CHAT, OTHER])
  const page = await visitor.open(klaro.path + '?late')
  await page.waitForFunction((chat) => performance.getEntriesByName(chat)[0], CHAT)
  const answered = page.waitForEvent('requestfinished', (request) => request.url().includes('/v1/observe'))
  await loadBeacon(page, { adapter: 'klaro', observe: 'all', observeAfter: 60_000 })
  await answered
  await visitor.posted(page)
  await klaro.rejectAll(page)
  await seen(1)
  assert.deepEqual(facts(observed()[0]), { cookies: ['chaport_uid', '_ga_1X2Y3Z'], domains: ['app.chaport.com'], others: 2, state: {} })
})

withChat('observation: nothing of the catalogue, nothing said', async (visitor) => {
  await visitor.context.addInitScript(() => location.protocol.startsWith('http') && (document.cookie = 'basket=1;path=/'))
  const page = await visitor.open(vanilla.path + '?observe=all')
  await vanilla.acceptAll(page)
  await settled(visitor, page)
  assert.deepEqual(observed(), [])
})

withChat('observation: once for the page, also where the banner has a script of its own fetched', async (visitor) => {
  const tarteaucitron = ALL.find(({ name }) => name === 'tarteaucitron')
  await visitor.context.addInitScript(tooEarly, [CHAT, OTHER])
  const page = await visitor.open(tarteaucitron.path + '?observe=all')
  await seen(1)
  await tarteaucitron.acceptAll(page)
  await seen(2)
  await settled(visitor, page)
  const [before, after, ...more] = observed()
  assert.deepEqual(more, [])
  assert.deepEqual(facts(before).state, {})
  assert.deepEqual(facts(after).state.chaport, true)
})

// What stands beside a choice: Google Consent Mode, Global Privacy Control, page views; and a banner that only Consent Mode knows.

import assert from 'node:assert/strict'
import { ALL } from './banners.mjs'
import { loadBeacon, recorder, scenario, story } from './harness.mjs'

const banner = ALL.find(({ name }) => name === 'generic')
const ROOT = { root: '#banner', buttons: '{"#accept":"accept_all","#reject":"reject_all","#save":"save"}', second: '#second' }

scenario('consent mode: with a choice goes what the page told Google by the end of the click', async (visitor) => {
  const page = await visitor.open(banner.path)
  await banner.choose(page)
  await banner.toggle(page, 'statistics')
  await banner.save(page)
  const [shown, choice] = await visitor.posted(page)
  assert.deepEqual(shown.signals.consent_mode, { analytics_storage: 'denied', functionality_storage: 'denied' })
  assert.deepEqual(choice.signals.consent_mode, { analytics_storage: 'granted', functionality_storage: 'denied' })
})

scenario('consent mode: where nothing else is known of a banner, its updates are the choice', async (visitor) => {
  const page = await visitor.open(banner.path + '?late')
  await loadBeacon(page, { adapter: 'consent-mode', ...ROOT })
  await page.waitForRequest(recorder.endpoint)
  await banner.choose(page)
  await banner.toggle(page, 'statistics')
  await banner.save(page)
  const events = await visitor.posted(page)
  assert.deepEqual(story(events), ['shown first', 'decided first save'])
  assert.deepEqual(events[1].categories, { statistics: true, preferences: false })
  await page.evaluate(() => document.getElementById('own-accept').click())
  assert.equal((await visitor.posted(page)).length, 2, 'nor does a script decide')
})

scenario('gpc: what the browser says stands in every event', async (visitor) => {
  // Chromium has no such setting: the property is put there as a browser that has one does.
  await visitor.context.addInitScript(() => Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true }))
  const page = await visitor.open(banner.path)
  await banner.acceptAll(page)
  assert.deepEqual((await visitor.posted(page)).map(({ signals }) => signals.gpc), [true, true])
})

scenario('page views are reported only when switched on, with their state and no subject', async (visitor) => {
  const page = await visitor.open(banner.path)
  await banner.choose(page)
  await banner.toggle(page, 'statistics')
  await banner.save(page)
  await visitor.posted(page)
  assert.deepEqual(recorder.events().filter(({ type }) => type === 'loaded'), [])
  for (const [attribute, state] of [['on', 'none'], ['not_required', 'not_required']]) {
    await visitor.go(page, banner.path + '?late')
    const asked = page.waitForRequest(recorder.endpoint)
    await loadBeacon(page, { adapter: 'none', loaded: attribute })
    await asked
    const views = (await visitor.posted(page)).slice(2)
    const view = views.at(-1)
    assert.equal(views.length, state === 'none' ? 1 : 2)
    assert.deepEqual([view.type, view.state, view.subject], ['loaded', state, undefined])
  }
})

scenario('a page view with a stored choice tells its state', async (visitor) => {
  for (const [choose, state] of [['acceptAll', 'granted'], ['rejectAll', 'denied']]) {
    await visitor.context.clearCookies()
    const page = await visitor.open(banner.path)
    await banner[choose](page)
    await visitor.posted(page)
    const asked = page.waitForRequest(recorder.endpoint)
    await visitor.go(page, banner.path + '?views')
    await asked
    const last = (await visitor.posted(page)).at(-1)
    assert.deepEqual([last.type, last.state, last.subject], ['loaded', state, undefined])
  }
})

scenario('a banner known by a cookie alone', async (visitor) => {
  const page = await visitor.open(banner.path + '?late')
  await loadBeacon(page, { adapter: 'generic', on: 'shop:chosen', state: 'cookie:shop', ...ROOT })
  await page.waitForRequest(recorder.endpoint)
  await banner.rejectAll(page)
  const events = await visitor.posted(page)
  assert.deepEqual(story(events), ['shown first', 'decided first reject_all'])
  assert.deepEqual(events[1].categories, { chat: false, statistics: false })
})

scenario('a banner whose event has a flag in each service', async (visitor) => {
  const page = await visitor.open(banner.path + '?late')
  const services = JSON.stringify({ chat: 'chaport', statistics: '' })
  await loadBeacon(page, { adapter: 'generic', on: 'shop:chosen', state: 'event:detail.services consent.given', services, ...ROOT })
  await page.waitForRequest(recorder.endpoint)
  await banner.acceptAll(page)
  const events = await visitor.posted(page)
  assert.deepEqual(story(events), ['shown first', 'decided first accept_all'])
  assert.deepEqual([events[1].services, events[1].categories], [{ chaport: true }, {}])
})

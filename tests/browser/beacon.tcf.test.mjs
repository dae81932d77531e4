// What is peculiar to the TCF's interface: objections, the string itself, a dialogue in a frame, and what it does not say.

import assert from 'node:assert/strict'
import { TCString } from '@iabtechlabtcf/core'
import { ALL } from './banners.mjs'
import { loadBeacon, recorder, scenario, shop, story } from './harness.mjs'

const tcf = ALL.find(({ name }) => name === 'tcf')

scenario('tcf: the string that was set goes with the choice', async (visitor) => {
  const page = await visitor.open(tcf.path)
  await tcf.choose(page)
  await tcf.toggle(page, 'iab-1', 'chaport')
  await tcf.save(page)
  const [shown, choice] = await visitor.posted(page)
  assert.equal(shown.signals.tcf, undefined)
  const said = TCString.decode(choice.signals.tcf)
  assert.deepEqual([...said.purposeConsents.values()], [1])
  assert.ok(said.vendorConsents.has(9999))
  assert.deepEqual(choice.objections, { purposes: [], services: [] })
})

scenario('tcf: an objection is named, and grants nothing', async (visitor) => {
  const page = await visitor.open(tcf.path)
  await tcf.choose(page)
  await tcf.toggle(page, 'object-7')
  await tcf.save(page)
  const [, choice] = await visitor.posted(page)
  assert.deepEqual(choice.objections, { purposes: ['iab-7'], services: [] })
  assert.ok(Object.values(choice.purposes).every((granted) => !granted))
})

scenario('tcf: a later objection alone is a decision of its own', async (visitor) => {
  const page = await visitor.open(tcf.path)
  await tcf.acceptAll(page)
  await visitor.posted(page)
  await visitor.reload(page)
  await tcf.reopen(page)
  await tcf.toggle(page, 'object-7')
  await tcf.save(page)
  const events = await visitor.posted(page)
  assert.deepEqual(story(events), ['shown first', 'decided first accept_all', 'decided user_opened save'])
  assert.deepEqual(events[2].objections.purposes, ['iab-7'])
})

scenario('tcf: closed without a choice, and reopened, the next choice is still user_opened', async (visitor) => {
  const page = await visitor.open(tcf.path)
  await tcf.acceptAll(page)
  await tcf.reopen(page)
  await tcf.toggle(page, 'iab-3')
  await tcf.save(page)
  await tcf.reopen(page)
  await tcf.toggle(page, 'iab-4')
  await tcf.save(page)
  const events = await visitor.posted(page)
  assert.deepEqual(story(events), ['shown first', 'decided first accept_all', 'withdrawn user_opened', 'withdrawn user_opened'])
  assert.deepEqual(events.slice(2).map(({ purposes }) => purposes), [{ 'iab-3': false }, { 'iab-4': false }])
})

scenario("tcf: a CMP in a frame counts by the visitor's act in it, with no method", async (visitor) => {
  const page = await visitor.open(tcf.path + '?late')
  await page.evaluate(() => {
    const frame = document.createElement('iframe')
    frame.srcdoc = `<button onclick="parent.document.getElementById('accept').onclick()">Accept all</button>`
    document.body.append(frame)
  })
  await loadBeacon(page, {}, '/beacon-tcf.js')
  await page.frameLocator('iframe').getByRole('button').click()
  const [shown, choice, ...more] = await visitor.posted(page)
  assert.deepEqual(more, [])
  assert.deepEqual([shown.type, choice.type, choice.method, choice.layer], ['shown', 'decided', null, 1])
})

scenario('tcf: without an act of anybody, and without a frame, nothing is a choice', async (visitor) => {
  // Whatever a driver evaluates counts as an act of the user's.
  await visitor.context.addInitScript(() => Object.defineProperty(navigator, 'userActivation', { value: { isActive: false } }))
  const page = await visitor.open(tcf.path + '?late')
  await loadBeacon(page, {}, '/beacon-tcf.js')
  await page.evaluate(() => document.getElementById('accept').click())
  assert.deepEqual(story(await visitor.posted(page)), ['shown first'])
})

scenario('tcf: found by its global', async (visitor) => {
  const page = await visitor.open(tcf.path + '?late')
  assert.deepEqual(recorder.events(), [])
  await loadBeacon(page, { root: '#cmp', buttons: '{"#accept":"accept_all"}' })
  await page.waitForRequest(recorder.endpoint)
  await tcf.acceptAll(page)
  assert.deepEqual(story(await visitor.posted(page)), ['shown first', 'decided first accept_all'])
  assert.equal(recorder.events()[0].page, shop.origin + tcf.path)
})

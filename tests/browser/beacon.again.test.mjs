// Banners that ask again because they changed, one that is left with its panel open, and one that dismisses itself.

import assert from 'node:assert/strict'
import { ALL } from './banners.mjs'
import { recorder, scenario, story } from './harness.mjs'

const named = (name) => ALL.find((banner) => banner.name === name)
const [tarteaucitron, osano] = ['tarteaucitron', 'osano'].map(named)

for (const banner of ['tarteaucitron', 'orejime', 'c15t'].map(named))
  scenario(`${banner.name}: something new is asked for, so it asks again, and knows the subject`, async (visitor) => {
    const page = await visitor.open(banner.path)
    await banner.acceptAll(page)
    await visitor.go(page, banner.path + '?extra')
    await banner.rejectAll(page)
    const events = await visitor.posted(page)
    assert.deepEqual(story(events), ['shown first', 'decided first accept_all', 'shown changed', 'decided changed reject_all'])
    assert.deepEqual(events.map(({ subject }) => subject === events[1].subject), [false, true, true, true])
    assert.equal(events[3].previous, events[1].id)
  })

for (const [how, leave] of [
  ['for another page', (page) => page.goto('about:blank')],
  ['by closing the tab', (page) => page.close({ runBeforeUnload: true })],
])
  scenario(`tarteaucitron: left with its panel open, ${how}`, async (visitor) => {
    const page = await visitor.open(tarteaucitron.path)
    await tarteaucitron.choose(page)
    await tarteaucitron.toggle(page, 'chaport')
    assert.deepEqual(story(await visitor.posted(page)), ['shown first'])
    await leave(page)
    await recorder.until(() => recorder.events().length > 1)
    const [, choice] = recorder.events()
    assert.deepEqual([choice.type, choice.method, choice.layer, choice.services], ['decided', 'save', 2, { chaport: true }])
    const next = await visitor.open(tarteaucitron.path)
    assert.equal((await visitor.posted(next)).filter(({ type }) => type === 'decided').length, 1)
  })

const dismissed = (page) => page.waitForFunction(() => document.cookie.includes('cookieconsent_status=dismiss'))

for (const [how, act] of [
  ['timeout', () => {}],
  ['scroll', (page) => page.mouse.wheel(0, 200)],
  ['elsewhere', (page) => page.click('h1')],
])
  scenario(`osano: it dismisses itself (${how}), which is nobody's choice`, async (visitor) => {
    // The browsers of its time told a click's way as `path`; in today's it fails at a click elsewhere, and stays.
    await visitor.context.addInitScript(() => Object.defineProperty(Event.prototype, 'path', { get() { return this.composedPath() } }))
    const page = await visitor.open(`${osano.path}?type=info&${how}`)
    await act(page)
    await dismissed(page)
    assert.deepEqual(story(await visitor.posted(page)), ['shown first'])
    await visitor.reload(page)
    assert.deepEqual(story(await visitor.posted(page)), ['shown first'])
  })

scenario('osano: its own button dismisses', async (visitor) => {
  const page = await visitor.open(osano.path + '?type=info')
  await page.click('.cc-dismiss')
  const [, choice, ...more] = await visitor.posted(page)
  assert.deepEqual(more, [])
  assert.deepEqual([choice.type, choice.method, choice.categories], ['decided', 'dismiss', {}])
})

scenario('osano: its tab takes everything back at once', async (visitor) => {
  const page = await visitor.open(osano.path)
  await osano.acceptAll(page)
  await visitor.reload(page)
  await osano.reopen(page)
  const [, choice, withdrawal, ...more] = await visitor.posted(page)
  assert.deepEqual(more, [])
  assert.deepEqual([withdrawal.type, withdrawal.subject, withdrawal.previous], ['withdrawn', choice.subject, choice.id])
  assert.deepEqual(withdrawal.categories, { preferences: false, statistics: false, marketing: false })
})

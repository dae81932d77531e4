// What is peculiar to one banner: its modes, stores and prompts, and the calls it makes that are no choice of anybody.

import assert from 'node:assert/strict'
import { BANNERS } from './banners.mjs'
import { loadBeacon, recorder, scenario, shop, story } from './harness.mjs'

const [vanilla, klaro] = BANNERS

scenario('vanilla-cookieconsent: opt-out mode calls back twice for one click, which is one decision', async (visitor) => {
  const page = await visitor.open(vanilla.path + '?mode=opt-out')
  await vanilla.rejectAll(page)
  assert.deepEqual(story(await visitor.posted(page)), ['shown first', 'decided first reject_all'])
})

scenario('vanilla-cookieconsent: a new revision asks again, and knows the subject', async (visitor) => {
  const page = await visitor.open(vanilla.path + '?revision=1')
  await vanilla.acceptAll(page)
  await visitor.posted(page)
  await visitor.go(page, vanilla.path + '?revision=2')
  await vanilla.acceptAll(page)
  const events = await visitor.posted(page)
  assert.deepEqual(story(events), ['shown first', 'decided first accept_all', 'shown changed', 'decided changed accept_all'])
  assert.deepEqual(events.map(({ subject }) => subject === events[1].subject), [false, true, true, true])
  assert.equal(events[3].previous, events[1].id)
})

scenario('vanilla-cookieconsent: shown again by the site, the same answer is a renewal', async (visitor) => {
  const page = await visitor.open(vanilla.path)
  await vanilla.acceptAll(page)
  await visitor.posted(page)
  await visitor.reload(page)
  await page.evaluate(() => CookieConsent.show(true))
  await vanilla.acceptAll(page)
  assert.deepEqual(story(await visitor.posted(page)),
    ['shown first', 'decided first accept_all', 'shown renewal', 'decided renewal accept_all'])
})

scenario('vanilla-cookieconsent: a page view has one `shown`, however often it asks', async (visitor) => {
  const page = await visitor.open(vanilla.path)
  await page.clock.install()
  await visitor.reload(page)
  await vanilla.acceptAll(page)
  await page.clock.fastForward(2000) // or it would be the click that opened it
  await page.evaluate(() => CookieConsent.show(true))
  await vanilla.rejectAll(page)
  assert.deepEqual(story(await visitor.posted(page)),
    ['shown first', 'shown first', 'decided first accept_all', 'decided renewal reject_all'])
})

scenario('vanilla-cookieconsent: the close button dismisses', async (visitor) => {
  const page = await visitor.open(vanilla.path)
  await page.click('.cm__btn--close')
  const events = await visitor.posted(page)
  assert.deepEqual(story(events), ['shown first', 'decided first dismiss'])
  assert.equal(events[1].services.chaport, false)
})

scenario('vanilla-cookieconsent: closing the preferences decides nothing, and effort starts anew', async (visitor) => {
  const page = await visitor.open(vanilla.path)
  await vanilla.acceptAll(page)
  await vanilla.reopen(page)
  await vanilla.toggle(page, 'chaport')
  await page.click('.pm__close-btn')
  assert.equal((await visitor.posted(page)).length, 2)
  await vanilla.reopen(page)
  await page.click('.pm__btn[data-role=necessary]')
  const [, , withdrawal] = await visitor.posted(page)
  assert.deepEqual([withdrawal.type, withdrawal.effort.clicks], ['withdrawn', 1])
  assert.deepEqual(withdrawal.categories, { preferences: false, statistics: false, marketing: false })
  assert.deepEqual(withdrawal.services, { chaport: false, crisp: false, matomo: false })
})

scenario('vanilla-cookieconsent: its record in web storage serves as well', async (visitor) => {
  const page = await visitor.open(vanilla.path + '?storage=local')
  await vanilla.acceptAll(page)
  await visitor.reload(page)
  await vanilla.reopen(page)
  await vanilla.toggle(page, 'crisp')
  await vanilla.save(page)
  const [, choice, withdrawal] = await visitor.posted(page)
  assert.deepEqual([withdrawal.type, withdrawal.subject, withdrawal.previous], ['withdrawn', choice.subject, choice.id])
})

scenario('vanilla-cookieconsent: what cannot be refused is no answer', async (visitor) => {
  const page = await visitor.open(vanilla.path + '?fixed')
  await vanilla.acceptAll(page)
  const [, choice] = await visitor.posted(page)
  assert.deepEqual(choice.categories, { necessary: true, preferences: true, statistics: true, marketing: true })
  assert.deepEqual(choice.services, { chaport: true, crisp: true, matomo: true })
})

scenario("vanilla-cookieconsent: a button of the site's own counts if it is marked", async (visitor) => {
  const page = await visitor.open(vanilla.path + '?autoShow=false')
  await page.click('#marked-accept')
  assert.deepEqual(story(await visitor.posted(page)), ['decided user_opened accept_all'])
})

scenario("vanilla-cookieconsent: its own attribute on a button of the page's counts", async (visitor) => {
  const page = await visitor.open(vanilla.path)
  await page.click('#footer-reject')
  assert.deepEqual(story(await visitor.posted(page)), ['shown first', 'decided first reject_all'])
})

scenario('vanilla-cookieconsent: the language it detects is the one reported', async (visitor) => {
  const page = await visitor.open(vanilla.path + '?detect=browser')
  await vanilla.acceptAll(page)
  assert.deepEqual((await visitor.posted(page)).map(({ banner }) => banner.language), ['de', 'de'])
}, { locale: 'de-AT' })

scenario('klaro: a service added since asks again, and keeps the subject', async (visitor) => {
  const page = await visitor.open(klaro.path)
  await klaro.acceptAll(page)
  await visitor.posted(page)
  await visitor.go(page, klaro.path + '?extra')
  await klaro.rejectAll(page)
  const events = await visitor.posted(page)
  assert.deepEqual(story(events), ['shown first', 'decided first accept_all', 'shown changed', 'decided changed reject_all'])
  assert.deepEqual(events.map(({ subject }) => subject === events[1].subject), [false, true, true, true])
})

scenario('klaro: services on by default, and run before consent, are decided only by the click', async (visitor) => {
  const page = await visitor.open(klaro.path + '?defaults')
  const replayed = await page.evaluate(() => window.replayed)
  assert.ok(replayed.some(([name, consent]) => name === 'matomo' && consent), 'Klaro itself calls back with a grant')
  assert.deepEqual(story(recorder.events()), ['shown first'])
  await klaro.rejectAll(page)
  const [, choice] = await visitor.posted(page)
  assert.equal(choice.services.matomo, false)
  assert.equal('session' in choice.services, false, 'a required service is nobody’s decision')
})

for (const storage of ['localStorage', 'sessionStorage'])
  scenario(`klaro: its record in ${storage} serves as well`, async (visitor) => {
    const page = await visitor.open(`${klaro.path}?storage=${storage}`)
    await klaro.acceptAll(page)
    await visitor.reload(page)
    await klaro.reopen(page)
    await klaro.toggle(page, 'crisp')
    await klaro.save(page)
    const [, choice, withdrawal] = await visitor.posted(page)
    assert.deepEqual([withdrawal.type, withdrawal.subject, withdrawal.previous], ['withdrawn', choice.subject, choice.id])
    assert.equal(choice.expires_at, undefined)
    assert.deepEqual(await visitor.context.cookies(), [])
  })

scenario('klaro: a save by a script keeps the subject', async (visitor) => {
  const page = await visitor.open(klaro.path)
  await klaro.rejectAll(page)
  const [, choice] = await visitor.posted(page)
  await page.click('#own-accept')
  await visitor.reload(page)
  await klaro.reopen(page)
  await klaro.toggle(page, 'chaport')
  await klaro.save(page)
  const [, , withdrawal, ...more] = await visitor.posted(page)
  assert.deepEqual(more, [])
  assert.deepEqual([withdrawal.type, withdrawal.subject, withdrawal.services], ['withdrawn', choice.subject, { chaport: false }])
})

scenario('klaro: accepting one service where it would appear is a later grant', async (visitor) => {
  const page = await visitor.open(klaro.path + '?embed')
  await klaro.rejectAll(page)
  await visitor.posted(page)
  await visitor.reload(page)
  await page.click('.cm-as-context-notice .cm-btn-success-var')
  const events = await visitor.posted(page)
  assert.deepEqual(story(events), ['shown first', 'decided first reject_all', 'decided user_opened save'])
  assert.equal(events[2].services.chaport, true)
})

scenario('klaro: accepting one service once stores nothing, and says nothing', async (visitor) => {
  const page = await visitor.open(klaro.path + '?embed')
  await page.click('.cm-as-context-notice .cm-btn-success')
  assert.deepEqual(story(await visitor.posted(page)), ['shown first'])
})

scenario('klaro: closing the second layer decides nothing, however its switches stand', async (visitor) => {
  const page = await visitor.open(klaro.path)
  await klaro.choose(page)
  await klaro.toggle(page, 'chaport')
  await page.click('.cm-modal .hide')
  await visitor.reload(page)
  assert.deepEqual(story(await visitor.posted(page)), ['shown first', 'shown first'])
})

scenario('klaro: grouped by purpose, a purpose is answered for all its services', async (visitor) => {
  const page = await visitor.open(klaro.path + '?grouped=yes')
  await klaro.choose(page)
  await page.click('label[for="purpose-item-preferences"]')
  await klaro.save(page)
  const [, choice] = await visitor.posted(page)
  assert.deepEqual(choice.categories, { preferences: true, statistics: false, marketing: false })
  assert.deepEqual(choice.services, { chaport: true, crisp: true, matomo: false, 'google-ads': false })
})

scenario('klaro: shown again by the site, the same answer is a renewal', async (visitor) => {
  const page = await visitor.open(klaro.path)
  await klaro.acceptAll(page)
  await visitor.posted(page)
  await visitor.reload(page)
  await page.evaluate(() => klaro.show())
  await klaro.save(page)
  assert.deepEqual(story(await visitor.posted(page)),
    ['shown first', 'decided first accept_all', 'shown renewal', 'decided renewal save'])
})

for (const banner of BANNERS)
  scenario(`${banner.name}: nothing is shown in a tab that nobody sees, until somebody does`, async (visitor) => {
    await visitor.context.addInitScript(() => {
      let hidden = true
      Object.defineProperty(document, 'hidden', { get: () => hidden })
      window.reveal = () => {
        hidden = false
        document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
      }
    })
    const page = await visitor.open(banner.path)
    assert.deepEqual(recorder.events(), [])
    await page.evaluate(() => window.reveal())
    assert.deepEqual(story(await visitor.posted(page)), ['shown first'])
  })

for (const banner of BANNERS) {
  scenario(`${banner.name}: a beacon that comes late finds the banner that is up`, async (visitor) => {
    const page = await visitor.open(banner.path + '?late')
    assert.deepEqual(recorder.events(), [])
    await loadBeacon(page, { adapter: banner.name })
    await banner.acceptAll(page)
    assert.deepEqual(story(await visitor.posted(page)), ['shown first', 'decided first accept_all'])
  })

  scenario(`${banner.name}: configured by attributes`, async (visitor) => {
    const page = await visitor.open(banner.path + '?late')
    await loadBeacon(page, {
      shown: 'off', page: '/checkout', regime: 'notice', language: 'fr', textHash: 'sha256:00',
      services: '{"chaport":"livechat","crisp":""}', categories: '{"functionality":"support","preferences":"support"}',
    })
    await banner.acceptAll(page)
    const [choice, ...more] = await visitor.posted(page)
    assert.deepEqual(more, [])
    assert.deepEqual([choice.type, choice.page, choice.regime], ['decided', shop.origin + '/checkout', 'notice'])
    assert.deepEqual(choice.banner, { language: 'fr', text_hash: 'sha256:00' })
    assert.equal(choice.categories.support, true)
    assert.deepEqual([choice.services.livechat, choice.services.chaport, choice.services.crisp], [true, undefined, undefined])
  })

  scenario(`${banner.name}: the wrong adapter, or none, says nothing`, async (visitor) => {
    for (const adapter of ['none', BANNERS.find(({ name }) => name !== banner.name).name]) {
      const page = await visitor.open(banner.path + '?late')
      await loadBeacon(page, { adapter })
      await banner.acceptAll(page)
      await page.context().clearCookies()
      assert.deepEqual(story(await visitor.posted(page)), [])
    }
  })
}

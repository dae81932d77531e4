// One Chromium, one shop and one recorder for all tests of the beacon in this process, and what a scenario is.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch } from './chromium.mjs'
import { record } from './recorder.mjs'
import { openShop } from './shop.mjs'
import { visit } from './visitor.mjs'

export const SITE = 'shop.example'
export const LIMIT = { timeout: 180_000 }

export let browser, recorder, shop

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

/** One new visitor, of whom nothing is left afterwards. `options` are the browser context's. */
export const scenario = (name, run, options) =>
  test(name, LIMIT, async (t) => {
    recorder.clear()
    const visitor = await visit(browser, shop, recorder, options)
    try {
      await run(visitor, t)
      assert.deepEqual(visitor.foreign, [], 'nothing but the shop and the endpoint is asked for anything')
    } finally {
      await visitor.close()
    }
  })

/** Type, prompt and method of everything posted. */
export const story = (events) => events.map(({ type, prompt, method }) => [type, prompt, method].filter(Boolean).join(' '))

/** Puts a script tag into a page that came without one. */
export const loadBeacon = (page, attributes, src = '/beacon.js') =>
  page.evaluate(([dataset, src]) => new Promise((loaded) => {
    const script = document.createElement('script')
    Object.assign(script.dataset, dataset)
    script.onload = loaded
    script.src = src
    document.head.append(script)
  }), [{ site: SITE, endpoint: recorder.endpoint, ...attributes }, src])

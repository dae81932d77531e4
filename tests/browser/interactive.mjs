// How soon the overview is there: `node interactive.mjs` prints, over cold and warm loads, the median time to the first number,
// how long the main thread was held (Total Blocking Time: what of each task is beyond 50 ms, up to a second after the number),
// and the requests on the way. Cold is an empty cache, warm a second visit. AVOW_SHOWCASE='{"origin","token"}' names a running
// server. What it prints is of this machine at this moment: it says how busy that was.

import { loadavg } from 'node:os'
import { startAvow } from './avow.mjs'
import { launch } from './chromium.mjs'

const LOADS = 10
const AFTER_MS = 1_000

/** In the page: when the first number stands there, and tasks longer than 50 ms. */
function watch() {
  globalThis.tasks = []
  new PerformanceObserver((list) => globalThis.tasks.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration })))).observe({ type: 'longtask', buffered: true })
  const look = () => {
    if (globalThis.number !== undefined || !/\d/.test(document.querySelector('[data-metric-tile] .huge')?.textContent ?? '')) return
    globalThis.number = performance.now()
    requestAnimationFrame(() => requestAnimationFrame(() => (globalThis.painted = performance.now())))
  }
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true })
}

/** One load: milliseconds since the navigation began. */
async function load(page, origin) {
  await page.goto('about:blank')
  await page.goto(`${origin}/`)
  await page.waitForFunction(() => globalThis.painted !== undefined)
  await page.waitForTimeout(AFTER_MS)
  return page.evaluate(() => {
    const requests = performance.getEntriesByType('resource').filter(({ startTime }) => startTime < globalThis.number)
    const api = requests.filter(({ name }) => name.includes('/api/'))
    const [navigation] = performance.getEntriesByType('navigation')
    return {
      number: globalThis.number,
      painted: globalThis.painted,
      blocked: globalThis.tasks.reduce((sum, { duration }) => sum + Math.max(0, duration - 50), 0),
      document: navigation.responseEnd,
      script: Math.max(...requests.filter(({ initiatorType }) => initiatorType === 'script').map(({ responseEnd }) => responseEnd)),
      asked: Math.min(...api.map(({ startTime }) => startTime)),
      query: Math.min(...api.filter(({ name }) => name.includes('query')).map(({ startTime }) => startTime)),
      answered: Math.max(...api.filter(({ name, responseEnd }) => name.includes('query') && responseEnd <= globalThis.number).map(({ responseEnd }) => responseEnd)),
      requests: requests.length,
      bytes: requests.reduce((sum, { transferSize }) => sum + transferSize, navigation.transferSize),
    }
  })
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]
const say = (name, loads) => {
  const parts = Object.keys(loads[0]).map((key) => `${key} ${Math.round(median(loads.map((one) => one[key])))}`)
  console.log(`${name}, p50 of ${loads.length}: ${parts.join(', ')}; number from ${Math.round(Math.min(...loads.map(({ number }) => number)))} to ${Math.round(Math.max(...loads.map(({ number }) => number)))}`)
}

const named = process.env.AVOW_SHOWCASE && JSON.parse(process.env.AVOW_SHOWCASE)
const avow = named ?? (await startAvow())
const today = new Date().toISOString().slice(0, 10)
if (!named) {
  for (const [i, site] of ['one.example', 'two.example'].entries()) await avow.simulate('--site', site, '--events', '4000', '--days', '60', '--seed', String(i + 1))
  await avow.query({ date_range: [today, today], metrics: ['shown'], dimensions: [] }, Date.now())
}
const browser = await launch()
const [cold, warm] = [[], []]
console.log(`load of the machine: ${loadavg().map((one) => one.toFixed(1)).join(' ')}`)
for (let i = 0; i <= LOADS; i += 1) {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 900 } })
  await context.addInitScript(watch)
  await context.addInitScript((token) => sessionStorage.setItem('avow.token', token), avow.token)
  const page = await context.newPage()
  const loads = [await load(page, avow.origin), await load(page, avow.origin)]
  // The first is the browser's own warming up.
  if (i > 0) [cold, warm].forEach((all, n) => all.push(loads[n]))
  await context.close()
}
console.log(`load of the machine: ${loadavg().map((one) => one.toFixed(1)).join(' ')}`)
say('cold', cold)
say('warm', warm)
await browser.close()
if (!named) await avow.stop()

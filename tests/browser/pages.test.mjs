// Every page of the dashboard in a real Chromium, over the real server and simulated visitors: light and dark, wide and
// 320 pixels, without an error in the console, without sideways scrolling, without what axe calls a violation; the overview
// by keyboard alone; and how much the network delivers before anything is touched.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { createRequire } from 'node:module'
import { startAvow } from './avow.mjs'
import { serveBuilt } from './built.mjs'
import { launch } from './chromium.mjs'
import { TASKS, skip, walk } from './keyboard.mjs'

const LIMIT = { timeout: 480_000 }
/** What `/` may weigh, compressed, before anything is touched. */
const INITIAL_BYTES = 120_000
const SITES = ['pages-one.example', 'pages-two.example']
/** Selectors of what a page is not ready without. */
const NUMBERS = '.board'
const PAGES = [
  ['/', NUMBERS],
  ['/?compare=none&filter=country:is:FR,DE&table=time&table=choices&table=category&table=service&table=site', NUMBERS],
  ['/segments', '[data-shade]'],
  ['/segments?metric=shown&map=europe&table=device', '[data-shade]'],
  ['/sites', NUMBERS],
  ['/services', NUMBERS],
  ['/services?q=eu1.app.chaport.com&in=preferences&eprivacy=consent&risk=medium', '[data-trace="app.chaport.com"]'],
  ['/services?q=nothing+is+called+so', '[data-catalogue-found="0"]'],
  ['/services?service=chaport', NUMBERS],
  ['/services?service=chaport&edit=1', '[data-entry-form]'],
  ['/services?edit=1', '[data-entry-form]'],
  ['/services?service=flowconsent', '[data-unknown]'],
  ['/services?service=chaport&sheet=1&text=es', '[data-sheet="chaport"]'],
  [`/experiments?site=${SITES[0]}`, '[data-verdict]'],
  [`/experiments?site=${SITES[0]}&by=banner_version&rule=2030-01-01`, NUMBERS],
  ['/experiments', 'ul.sites'],
  ['/fairness', NUMBERS],
  ['/signals', '[data-metric-tile="tcf"]'],
  ['/signals?table=signal&table=time&table=tcf&table=gpc&table=version&table=site', '[data-metric-tile="tcf"]'],
  ['/bridge', '[data-number="theirs"]'],
  ['/bridge?table=bridge&metric=opt_in_rate', '[data-number="theirs"]'],
  ['/quality', '[data-balanced]'],
  ['/live', 'h1'],
  ['/audit', 'h1'],
  ['/settings', 'h1'],
  ['/docs', 'h1'],
]
const [WIDE, NARROW] = [{ width: 1280, height: 900 }, { width: 320, height: 800 }]

let avow, browser, axe
before(async () => {
  avow = await startAvow()
  browser = await launch()
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  for (const [i, site] of SITES.entries()) await avow.simulate('--site', site, '--events', '4000', '--days', '60', '--seed', String(i + 1))
  const today = new Date().toISOString().slice(0, 10)
  // What a CMP says of the same days, so that there is something to put beside our number.
  const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10)
  const days = Array.from({ length: 60 }, (_, ago) => ({ date: day(ago), shown: 90, decisions: 60, accept_all: 40, opted_in: 44 }))
  const put = await fetch(`${avow.origin}/api/v1/aggregates/${SITES[0]}/other`, {
    method: 'PUT', headers: { authorization: `Bearer ${avow.token}`, 'content-type': 'application/json' }, body: JSON.stringify({ days }),
  })
  assert.equal(put.status, 201)
  // Decisions with signals, which simulated visitors do not send: refused beside a yes, accepted beside an objection and a broken string.
  const decided = (method, granted, signals) => ({
    id: randomUUID(), site: SITES[1], type: 'decided', subject: randomUUID(), method, occurred_at: new Date().toISOString(),
    categories: { preferences: granted, statistics: granted, marketing: granted }, signals,
  })
  const signalled = [1, 2, 3, 4, 5, 6].flatMap(() => [
    decided('reject_all', false, { consent_mode: { ad_storage: 'granted', analytics_storage: 'granted' } }),
    decided('accept_all', true, { tcf: 'C', gpc: true }),
  ])
  await avow.call('POST', '/v1/events', { events: signalled })
  await avow.query({ sites: SITES, date_range: [today, today], metrics: ['shown'], dimensions: [] }, Date.now())
}, LIMIT)
after(async () => {
  await browser?.close()
  if (avow) assert.equal(await avow.stop(), 0, 'SIGTERM drains')
})

/** A page that writes down what goes wrong in it. */
const open = async (options) => {
  const context = await browser.newContext({ locale: 'en-GB', ...options })
  await serveBuilt(context, avow.origin)
  const page = await context.newPage()
  const wrong = []
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && wrong.push(message.text()))
  page.on('pageerror', (error) => wrong.push(error.message))
  return { page, wrong, close: () => context.close() }
}

const visit = async (page, path, ready) => {
  await page.goto(`${avow.origin}${path}#token=${avow.token}`)
  await page.locator(ready).first().waitFor()
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'))
}

/** What axe finds, in words that say where. */
const violations = async (page) => {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id} (${help}): ${target.join(' ')}: ${failureSummary}`))
}

// German words are the longest.
for (const [colorScheme, locale] of [['light', 'en-GB'], ['dark', 'de-DE']])
  test(`every page is whole and accessible, ${colorScheme}, ${locale}`, LIMIT, async () => {
    const found = []
    const { page, wrong, close } = await open({ colorScheme, locale, reducedMotion: 'reduce' })
    for (const [path, ready] of PAGES) {
      for (const viewport of [WIDE, NARROW]) {
        await page.setViewportSize(viewport)
        await visit(page, path, ready)
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        if (over > 0) found.push(`${path} at ${viewport.width}: ${over} pixels too wide`)
        found.push(...(await violations(page)).map((text) => `${path} at ${viewport.width}: ${text}`))
        found.push(...wrong.splice(0).map((text) => `${path} at ${viewport.width}: ${text}`))
      }
    }
    assert.deepEqual(found, [])
    await close()
  })

test('what opens is accessible too', LIMIT, async () => {
  const { page, wrong, close } = await open({ viewport: NARROW, reducedMotion: 'reduce' })
  const opened = {
    'the navigation': () => page.getByRole('button', { name: /^Menu/ }).click(),
    'the filter form': () => page.getByRole('button', { name: 'Add a filter' }).click(),
    'a definition': () => page.getByRole('button', { name: 'Shown', exact: true }).focus(),
    'other tools': () => page.locator('summary', { hasText: 'As other tools would count it' }).click(),
    'the list of keys': () => page.keyboard.press('?'),
    'finding': () => page.keyboard.press('/'),
  }
  for (const [name, act] of Object.entries(opened)) {
    await visit(page, '/', NUMBERS)
    await act()
    assert.deepEqual(await violations(page), [], name)
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.ok(over <= 0, `${name}: ${over} pixels too wide`)
  }
  assert.deepEqual(wrong, [])
  await close()
})

test('the overview can be used by keyboard alone', LIMIT, async () => {
  const { page, wrong, close } = await open({ viewport: WIDE })
  await visit(page, '/', NUMBERS)
  // A chart is moved through by arrow keys, and says each point.
  const slider = page.locator('[data-panel="time"] input[type="range"]')
  await slider.focus()
  const said = await slider.getAttribute('aria-valuetext')
  await page.keyboard.press('ArrowLeft')
  assert.notEqual(await slider.getAttribute('aria-valuetext'), said)
  // t: the table of the panel that has the focus, and back.
  await page.keyboard.press('t')
  await page.locator('[data-panel="time"][data-table-open="true"]').waitFor()
  assert.match(page.url(), /table=time/)
  await page.locator('[data-panel="time"] [data-table-toggle]').focus()
  await page.keyboard.press('t')
  await page.locator('[data-panel="time"][data-table-open="false"]').waitFor()

  // A filter is added and taken away.
  await page.getByRole('button', { name: 'Add a filter' }).focus()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.type('France')
  await page.locator('datalist option').first().waitFor({ state: 'attached' })
  await page.keyboard.press('Enter')
  await page.locator('[data-filters="1"]').waitFor()
  assert.match(page.url(), /filter=country%3Ais%3AFR/)
  await page.getByRole('button', { name: /Remove filter/ }).focus()
  await page.keyboard.press('Enter')
  await page.locator('[data-filters="0"]').waitFor()

  await page.locator('main').focus()
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keys' }).waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('/')
  await page.keyboard.type('chap')
  await page.keyboard.press('Enter')
  await page.locator('[data-service="chaport"] h1').waitFor()
  assert.deepEqual(wrong, [])
  await close()
})

test('every page can be used by keyboard alone', LIMIT, async () => {
  const { page, wrong, close } = await open({ viewport: WIDE, reducedMotion: 'reduce', permissions: ['clipboard-read', 'clipboard-write'] })
  const found = []
  const first = (path) => PAGES.find(([known]) => known.split('?')[0] === path)
  for (const [path, act] of Object.entries(TASKS)) {
    const [address, ready] = first(path) ?? [path, 'h1']
    await visit(page, address, ready)
    found.push(...(await walk(page)).map((text) => `${path}: ${text}`))
    await page.goto('about:blank') // else the address is the same but for its fragment, and nothing is loaded anew
    await visit(page, address, ready)
    await skip(page)
    await act(page).catch((error) => found.push(`${path}: ${error.message}`))
  }
  // A visitor of whom nothing is recorded is a 404, of which the console tells.
  const said = wrong.filter((text) => !text.includes('404'))
  assert.deepEqual([...found, ...said], [])
  await close()
})

test('the pages show what the API answers', LIMIT, async () => {
  const { page, wrong, close } = await open({ viewport: WIDE })
  const [from, to] = [-40, -3].map((days) => new Date(Date.now() + days * 864e5).toISOString().slice(0, 10))
  const days = `from=${from}&to=${to}&timezone=UTC&compare=previous_period`
  const regime = ['is', 'regime', ['opt_in']]
  const ask = async (dimensions, metrics, filters = [], sites = SITES, range = [from, to]) =>
    (await avow.call('POST', '/api/v1/query', { sites, date_range: range, timezone: 'UTC', dimensions, metrics, filters: [regime, ...filters] })).rows
  const shown = (selector, attribute = 'data-value') => page.locator(selector).first().getAttribute(attribute).then(Number)

  await visit(page, `/sites?${days}`, NUMBERS)
  for (const { dimensions, metrics } of await ask(['site'], ['shown', 'opt_in_rate', 'consent_rate']))
    for (const metric of ['shown', 'opt_in_rate', 'consent_rate'])
      assert.equal(await shown(`tr[data-site="${dimensions.site}"] [data-metric="${metric}"]`), metrics[metric], `${dimensions.site} ${metric}`)

  await visit(page, `/segments?${days}&metric=accept_all_rate`, '[data-shade]')
  for (const { dimensions, metrics } of await ask(['country'], ['accept_all_rate']))
    assert.equal(await shown(`tr[data-country="${dimensions.country}"] [data-metric="accept_all_rate"]`), metrics.accept_all_rate, dimensions.country)

  await visit(page, `/services?${days}`, NUMBERS)
  for (const { dimensions, metrics } of await ask(['service'], ['granted', 'withdrawals']))
    for (const metric of ['granted', 'withdrawals'])
      assert.equal(await shown(`tr[data-service="${dimensions.service}"] [data-metric="${metric}"]`), metrics[metric], `${dimensions.service} ${metric}`)

  // The change on the overview is against as many days before.
  await visit(page, `/?${days}`, NUMBERS)
  const earlier = [-78, -41].map((days) => new Date(Date.now() + days * 864e5).toISOString().slice(0, 10))
  const [[now], [then]] = [await ask([], ['shown']), await ask([], ['shown'], [], SITES, earlier)]
  assert.equal(await shown('[data-metric-tile="shown"]'), now.metrics.shown)
  assert.ok(Math.abs(await shown('[data-metric-tile="shown"] [data-change]', 'data-change') - (now.metrics.shown / then.metrics.shown - 1)) < 1e-9)

  // Each finding of each signal, of the decisions that were sent above.
  const recent = [-1, 1].map((days) => new Date(Date.now() + days * 864e5).toISOString().slice(0, 10))
  await visit(page, `/signals?from=${recent[0]}&to=${recent[1]}&timezone=UTC&table=signal`, '[data-panel="signal"] tr[data-signal]')
  const findings = await ask(['signal', 'finding'], ['decisions'], [], SITES, recent)
  assert.deepEqual([...new Set(findings.map(({ dimensions }) => dimensions.signal))].sort(), ['consent_mode', 'gpc', 'tcf'])
  for (const { dimensions: { signal, finding }, metrics } of findings)
    assert.equal(await shown(`[data-panel="signal"] tr[data-signal="${signal}"] [data-metric="${finding}"]`), metrics.decisions, `${signal} ${finding}`)

  // First prompts of one site, one regime, no bots.
  await visit(page, `/experiments?${days}&site=${SITES[0]}`, '[data-verdict]')
  const arms = await ask(['variant'], ['opt_in_rate'], [['is', 'prompt', ['first']], ['is', 'bot', ['no']]], [SITES[0]])
  const of = (variant) => arms.find(({ dimensions }) => dimensions.variant === variant).metrics.opt_in_rate
  assert.ok(Math.abs(await shown('[data-difference]', 'data-difference') - (of('B') - of('A'))) < 1e-9)
  assert.deepEqual(wrong, [])
  await close()
})

test('every chart has a table behind a key, a CSV and a picture', LIMIT, async () => {
  const { page, wrong, close } = await open({ viewport: WIDE })
  for (const [path, ready] of PAGES.filter(([path]) => !path.includes('table='))) {
    await visit(page, path, ready)
    const bare = await page.evaluate(() => {
      const charts = [...document.querySelectorAll('main svg[role="img"], main [data-panel]')]
      const panels = new Set(charts.map((chart) => chart.closest('[data-panel]')))
      const has = (panel, name) => [...panel.querySelectorAll('button')].some((button) => button.textContent.startsWith(name))
      return [...panels].filter((panel) => !panel?.querySelector('[data-table-toggle][aria-keyshortcuts="t"]') || !has(panel, 'CSV') || !has(panel, 'PNG'))
        .map((panel) => panel?.dataset.panel ?? 'a chart in no panel')
    })
    assert.deepEqual(bare, [], path)
  }
  const drawn = [['/', 'time'], ['/segments', 'country'], ['/sites', 'site'], [`/experiments?site=${SITES[0]}`, 'verdict'], ['/fairness', 'effort'], ['/signals', 'signal'], ['/bridge', 'bridge'], ['/live', 'live']]
  for (const [path, panel] of drawn) {
    await visit(page, path, `[data-panel="${panel}"]`)
    const [csv] = await Promise.all([
      page.waitForEvent('download'),
      page.locator(`[data-panel="${panel}"]`).getByRole('button', { name: /^CSV/ }).click(),
    ])
    assert.ok((await readFile(await csv.path(), 'utf8')).split('\r\n').length > 2, `${path}: a CSV of rows`)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator(`[data-panel="${panel}"]`).getByRole('button', { name: /^PNG/ }).click(),
    ])
    const png = await readFile(await download.path())
    assert.deepEqual([...png.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47])
    assert.ok(png.length > 5_000, `${path}: ${png.length} bytes are no chart`)
  }
  assert.deepEqual(wrong, [])
  await close()
})

test('the first page is light', LIMIT, async () => {
  const { page, close } = await open({ viewport: WIDE })
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  const [paths, bytes] = [new Map(), { page: 0, api: 0 }]
  session.on('Network.responseReceived', ({ requestId, response }) => paths.set(requestId, new URL(response.url).pathname))
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    bytes[paths.get(requestId)?.startsWith('/api/') ? 'api' : 'page'] += encodedDataLength
  })
  const since = Date.now()
  await visit(page, '/', NUMBERS)
  const ready = Date.now() - since
  await page.waitForTimeout(500)
  console.log(`/: ${bytes.page} bytes of page, ${bytes.api} of numbers; numbers after ${ready} ms`)
  assert.ok(bytes.page < INITIAL_BYTES, `${bytes.page} bytes`)
  await close()
})

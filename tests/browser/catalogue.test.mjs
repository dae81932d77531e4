// The catalogue in a real Chromium, over the real server: what a browser shows of a service leads to it, and its consent sheet
// comes out on paper as it should. That the pages are whole and accessible, pages.test.mjs holds.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAvow } from './avow.mjs'
import { launch } from './chromium.mjs'

const LIMIT = { timeout: 240_000 }
const LANGUAGES = ['en', 'fr', 'de', 'es']
/** In points, as a PDF has it; Chromium rounds to a pixel. */
const A4 = [595, 842]

let avow, browser, page
before(async () => {
  avow = await startAvow()
  browser = await launch()
  const context = await browser.newContext({ locale: 'en-GB', colorScheme: 'dark', reducedMotion: 'reduce', permissions: ['clipboard-read', 'clipboard-write'] })
  page = await context.newPage()
}, LIMIT)
after(async () => {
  await browser?.close()
  if (avow) assert.equal(await avow.stop(), 0, 'SIGTERM drains')
})

const visit = async (path, ready) => {
  await page.goto('about:blank')
  await page.goto(`${avow.origin}${path}#token=${avow.token}`)
  await page.locator(ready).first().waitFor()
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'))
}
const entryOf = (slug, language = 'en') => avow.call('GET', `/api/v1/services/${slug}?language=${language}`)
const listed = () => page.locator('[data-catalogue]').evaluateAll((rows) => rows.map((row) => row.dataset.catalogue))

test('a cookie or a host of the network log leads to its service', LIMIT, async () => {
  await visit('/services', '[data-catalogue]')
  const all = await listed()
  const search = page.getByRole('searchbox', { name: /^Search by name/ })
  const led = { 'chaport_uid': ['chaport', 'chaport_uid'], 'cw_user_8fGh2': ['chatwoot', 'cw_user_*'], 'https://eu1.app.chaport.com:8443/w?x=1': ['chaport', 'app.chaport.com'] }
  for (const [typed, [slug, trace]] of Object.entries(led)) {
    await search.fill(typed)
    await page.locator(`[data-catalogue-found="1"] [data-catalogue="${slug}"][data-trace="${trace}"]`).waitFor()
    assert.equal(new URL(page.url()).searchParams.get('q'), typed)
  }
  await search.fill('')
  const entries = await Promise.all(all.map((slug) => entryOf(slug)))
  const low = entries.filter(({ risk_level }) => risk_level === 'low').map(({ slug }) => slug)
  await page.getByRole('combobox', { name: 'Risk' }).selectOption('low')
  await page.locator(`[data-catalogue-found="${low.length}"]`).waitFor()
  assert.deepEqual((await listed()).sort(), low.sort())
  // The address holds what was chosen.
  await page.reload()
  await page.locator(`[data-catalogue-found="${low.length}"]`).waitFor()

  await search.fill('nothing is called so')
  await page.getByText('Nothing in the catalogue fits.').waitFor()
  await page.getByRole('button', { name: 'Clear search and filters' }).click()
  await page.locator(`[data-catalogue-found="${all.length}"]`).waitFor()
})

test("a service's page names what is not established, and links to others", LIMIT, async () => {
  const entry = await entryOf('activengage')
  await visit('/services?service=activengage', '[data-unknown]')
  assert.equal(Number(await page.locator('[data-unknown]').getAttribute('data-unknown')), entry.unknown.length)
  const main = await page.locator('main').innerText()
  for (const text of [entry.retention, entry.deletion_on_withdrawal, entry.role.note, entry.risk_note, entry.eprivacy_note, entry.special_category_risk.note].filter(Boolean))
    assert.equal(main.split(text).length - 1, 1, `once: ${text}`)
  for (const { slug } of [...entry.related, ...entry.alternatives].filter(({ slug }) => slug))
    assert.ok(await page.locator(`main a[href*="service=${slug}"]`).count() > 0, slug)
})

test('the consent sheet is black on white A4, and its text is in each language', LIMIT, async () => {
  await visit('/services?service=chaport&sheet=1', '[data-sheet="chaport"]')
  for (const language of LANGUAGES) {
    await page.getByLabel('Language of the text').selectOption(language)
    await page.locator(`[data-sample-text="${language}"] blockquote[lang="${language}"]`).waitFor()
    await page.getByRole('button', { name: 'Copy the text' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), (await entryOf('chaport', language)).consent_text)
    await page.getByRole('button', { name: 'Copy the text' }).waitFor()
  }

  await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
  const printed = await page.evaluate(() => {
    const style = (selector) => getComputedStyle(document.querySelector(selector))
    const seen = (selector) => [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility()).length
    return {
      paper: style('body').backgroundColor, ink: style('.sheet p:not(.no-print)').color, row: style('.sheet tbody tr').breakInside,
      around: seen('body header:not(article header), nav, footer, button, select'), over: Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth),
    }
  })
  assert.deepEqual(printed, { paper: 'rgb(255, 255, 255)', ink: 'rgb(0, 0, 0)', row: 'avoid', around: 0, over: 0 })
  const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1')
  const sheets = [...pdf.matchAll(/\/MediaBox\s*\[([\d. ]+)\]/g)].map(([, box]) => box.trim().split(/\s+/).map(Number).slice(2))
  assert.ok(sheets.length > 0, 'there are pages')
  for (const size of sheets) size.forEach((length, i) => assert.ok(Math.abs(length - A4[i]) < 2, `${size}`))
  await page.emulateMedia({ media: null })
})

// The catalogue in a real Chromium, over the real server: what a browser shows of a service leads to it, its consent sheet comes
// out on paper as it should, and administrators put entries of their own beside and over the shipped ones. That the pages are
// whole and accessible, pages.test.mjs holds; of the form, it is held here.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { startAvow } from './avow.mjs'
import { serveBuilt } from './built.mjs'
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
  await serveBuilt(context, avow.origin)
  page = await context.newPage()
  page.setDefaultTimeout(120_000) // a busy machine may take its time
}, LIMIT)
after(async () => {
  await browser?.close()
  if (avow) assert.equal(await avow.stop(), 0, 'SIGTERM drains')
})

const visit = async (path, ready, token = avow.token) => {
  await page.goto('about:blank')
  await page.goto(`${avow.origin}${path}#token=${token}`)
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

/** What axe finds, in words that say where. */
const violations = async () => {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`))
}
const faults = () => page.locator('[data-fault]').allInnerTexts()
const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent.trim())

test('an administrator adds a service by keyboard, and every fault stands beside its field', LIMIT, async () => {
  await visit('/services', '[data-catalogue]')
  const before = (await listed()).length
  await page.getByRole('link', { name: 'Add a service' }).focus()
  await page.keyboard.press('Enter')
  await page.locator('[data-entry-form=""]').waitFor()
  assert.deepEqual(await violations(), [])

  const write = (name, value) => page.getByLabel(name, { exact: true }).fill(value)
  await write('Address of the privacy policy', 'helpdesk.example/privacy')
  await write('Domains', 'https://chat.helpdesk.example/')
  await page.getByRole('button', { name: 'Add a cookie' }).focus()
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.activeElement.closest('.line'))
  await page.keyboard.type('hd visitor')
  await page.getByRole('button', { name: 'Save' }).focus()
  await page.keyboard.press('Enter')
  await page.locator('[data-fault]').first().waitFor()
  assert.equal((await faults()).length, 5, 'name, key, address, cookie, domain')
  assert.equal(await focused(), 'Name, as the vendor writes it', 'the first one has the focus')
  for (const field of await page.locator('[aria-invalid]').all()) {
    const described = await field.evaluate((element) => element.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id).textContent).join(' '))
    assert.match(described, /./, 'what is wrong is read out with the field')
  }
  assert.deepEqual(await violations(), [])

  await page.keyboard.type('Helpdesk & Söhne')
  assert.equal(await page.getByLabel('Key', { exact: true }).inputValue(), 'helpdesk-sohne')
  await page.getByLabel('Category', { exact: true }).selectOption('statistics')
  await write('Address of the privacy policy', 'https://helpdesk.example/privacy')
  await write('Domains', 'chat.helpdesk.example')
  await write('In one sentence', 'A chat of a family of carpenters.')
  await write('Operated by', 'Söhne GmbH')
  await page.getByLabel('Its country').selectOption('DE')
  await write('IAB vendor number (optional)', '1234')
  const cookie = page.getByRole('group', { name: 'Cookie 1' })
  await cookie.getByLabel('Name').fill('hd_*')
  await cookie.getByLabel('Duration').selectOption('P_M')
  await cookie.getByLabel('How many').fill('6')
  await cookie.getByLabel('Purpose').fill('Recognises who comes back.')
  await page.getByRole('button', { name: 'Save' }).click()

  await page.locator('[data-origin="operator"]').waitFor()
  const entry = await avow.call('GET', '/api/v1/services/helpdesk-sohne?language=all')
  assert.deepEqual(
    [entry.name, entry.category, entry.operator.name, entry.operator.country, entry.iab_vendor, entry.domains, entry.summary.en, entry.risk_level],
    ['Helpdesk & Söhne', 'statistics', 'Söhne GmbH', 'DE', 1234, ['chat.helpdesk.example'], 'A chat of a family of carpenters.', 'unknown'],
  )
  const [{ name, match, duration, purpose }] = entry.cookies
  assert.deepEqual([name, match, duration, purpose.en], ['hd_*', 'pattern', 'P6M', 'Recognises who comes back.'])
  const main = await page.locator('main').innerText()
  assert.match(main, /An entry of your own, in force since .*\(UTC\)/)
  assert.match(main, /Risk\s+not stated/)
  assert.doesNotMatch(main, /Not stated\. Not stated|unknown/)

  await visit('/services?q=hd_8fGh2', '[data-catalogue-found="1"] [data-catalogue="helpdesk-sohne"][data-trace="hd_*"]')
  await visit('/services?origin=operator', '[data-catalogue-found="1"] [data-catalogue="helpdesk-sohne"]')
  await visit('/services', `[data-catalogue-found="${before + 1}"]`)
})

test('an entry of one language keeps the others, and what is not stated is said in each', LIMIT, async () => {
  const said = { en: 'not stated', fr: 'non précisé', de: 'nicht angegeben', es: 'sin indicar' }
  for (const [language, text] of Object.entries(said)) {
    await visit(`/services?service=helpdesk-sohne&sheet=1&lang=${language}`, '[data-sheet="helpdesk-sohne"]')
    assert.ok((await page.locator('[data-sheet]').innerText()).includes(text), language)
  }
  await visit('/services?service=helpdesk-sohne&edit=1&lang=de', '[data-entry-form="helpdesk-sohne"]')
  assert.equal(await page.getByLabel('In einem Satz').inputValue(), 'A chat of a family of carpenters.')
  await page.getByLabel('In einem Satz').fill('Der Chat einer Tischlerfamilie.')
  await page.getByRole('button', { name: 'Speichern' }).click()
  await page.locator('[data-history="2"]').waitFor()
  const { summary } = await avow.call('GET', '/api/v1/services/helpdesk-sohne?language=all')
  assert.deepEqual([summary.en, summary.de], ['A chat of a family of carpenters.', 'Der Chat einer Tischlerfamilie.'])

  // As it was before.
  await page.locator('[data-history] summary').click()
  await page.locator('[data-history] li a').last().click()
  await page.locator('[data-origin] strong').waitFor()
  await page.getByText('A chat of a family of carpenters.').waitFor()
  await visit('/?lang=en', 'h1')
})

test('a shipped entry that was changed is in force again once the change is taken back', LIMIT, async () => {
  const shipped = await entryOf('crisp')
  await visit('/services?service=crisp&edit=1', '[data-entry-form="crisp"]')
  await page.getByLabel('Risk', { exact: true }).selectOption('high')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.locator('[data-origin="operator"]').waitFor()
  const own = await entryOf('crisp')
  assert.equal(own.risk_level, 'high')
  assert.deepEqual([own.cookies, own.consent_text, own.what_it_does], [shipped.cookies, shipped.consent_text, shipped.what_it_does], 'the rest is as it was')

  const takeBack = page.getByRole('button', { name: /^Take back/ })
  await takeBack.focus()
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Really take it back' }).waitFor()
  await page.keyboard.press('Escape')
  assert.match(await focused(), /^Take back/)
  await page.keyboard.press('Enter')
  await page.keyboard.press('Enter')
  await page.locator('[data-origin="avow"]').waitFor()
  assert.equal((await entryOf('crisp')).risk_level, shipped.risk_level)
  await page.locator('[data-history="2"]').waitFor()
})

test('who is no administrator sees no way to change the catalogue', LIMIT, async () => {
  const { token } = await avow.call('POST', '/api/v1/tokens', { name: 'reader', scopes: ['stats:read'] })
  await visit('/services', '[data-catalogue]', token)
  assert.equal(await page.locator('[data-add]').count(), 0)
  await visit('/services?service=crisp', '[data-origin]', token)
  assert.equal(await page.locator('[data-edit], [data-origin] button').count(), 0)
  await visit('/services?service=crisp&edit=1', 'main [role="alert"]', token)
  assert.equal(await page.locator('[data-entry-form]').count(), 0)
})

test('of two thousand services a hundred are shown at a time, and all are searched', LIMIT, async () => {
  const vendor = (i) => ({ slug: `iab-${i}`, name: `Vendor ${String(i).padStart(4, '0')}`, category: 'marketing', iab_vendor: i, domains: [`v${i}.example`] })
  for (let from = 1; from <= 2_000; from += 500)
    await avow.call('POST', '/api/v1/services', { origin: 'gvl', entries: Array.from({ length: 500 }, (_, i) => vendor(from + i)) })
  await visit('/services?origin=gvl', '[data-catalogue-found="2000"]')
  assert.equal((await listed()).length, 100)
  await page.locator('[data-more]').focus()
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.querySelectorAll('[data-catalogue]').length === 200)
  assert.equal(await focused(), 'Vendor 0101', 'the first of those that came')
  await page.getByRole('searchbox', { name: /^Search by name/ }).fill('https://cdn.v1999.example/x')
  await page.locator('[data-catalogue-found="1"] [data-catalogue="iab-1999"]').waitFor()
})

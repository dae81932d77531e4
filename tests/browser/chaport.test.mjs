// Chaport's story. A page sets `chaport_uid` before anybody was asked: the finding, since when, on which page, by API and on the
// page "Promise and reality"; after the fix it stops. And one visitor who agreed and took it back: her export shows the text, the
// grant, the withdrawal and what followed, and verifies. An audit: the operator's own browser sees the same by a signed switch, and
// nobody else's is looked into.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { binary, doorOf, startAvow } from './avow.mjs'
import { BANNERS, SERVICES } from './banners.mjs'
import { launch } from './chromium.mjs'
import { openShop } from './shop.mjs'
import { visit } from './visitor.mjs'
import { unzipped } from './zip.mjs'

const LIMIT = { timeout: 240_000 }
const SITE = 'shop.example'
const AUDITED = 'audited.example'
const TEXT = 'May we use Chaport so that our staff can answer you? It keeps an id in a cookie for a year.'
const POLL_MS = 100
/** The shop's beacon looks a fifth of a second after a choice. */
const LONGER_THAN_A_LOOK_MS = 1000
const [banner] = BANNERS
const today = () => new Date().toISOString().slice(0, 10)

let avow, browser, shop, audited, folder
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'avow-chaport-'))
  avow = await startAvow()
  browser = await launch()
  const settings = { name: 'Shop', services: SERVICES, ledger: { checkpoint_seconds: 1 }, page_templates: [banner.path] }
  await avow.call('PUT', `/api/v1/sites/${SITE}`, settings)
  const artefact = {
    language: 'en', version: '2026-11-01', services: Object.keys(SERVICES),
    layers: [{ text: TEXT, buttons: [{ action: 'accept_all', label: 'Accept' }, { action: 'reject_all', label: 'Reject' }] }],
  }
  const { text_hash: textHash } = await avow.call('PUT', '/api/v1/banners', { site: SITE, artefact })
  shop = await openShop({ site: SITE, endpoint: doorOf(avow).endpoint, beacon: `${avow.origin}/beacon.js`, textHash })
  const observe = { mode: 'all', legal_basis: 'Art. 6(1)(c) GDPR: to show that consent is kept to (Art. 5(2))' }
  await avow.call('PUT', `/api/v1/sites/${SITE}`, { ...settings, origins: [shop.origin], observe })
  audited = await openShop({ site: AUDITED, endpoint: doorOf(avow).endpoint, beacon: `${avow.origin}/beacon.js` })
  await avow.call('PUT', `/api/v1/sites/${AUDITED}`, { ...settings, origins: [audited.origin], observe: { mode: 'audit' } })
}, LIMIT)
after(async () => {
  await browser?.close()
  shop?.close()
  audited?.close()
  await rm(folder, { recursive: true, force: true })
  if (avow) assert.equal(await avow.stop(), 0, 'SIGTERM drains')
})

/** A visitor whose posts are heard of when they are answered. */
const visitor = async (of = shop) => {
  const door = doorOf(avow)
  const one = await visit(browser, of, door)
  door.watch(one.context)
  return one
}

/** The command line, as the operator has it. */
const run = (...args) =>
  new Promise((resolve) => execFile(binary(), args, { cwd: folder }, (error, told, why) => resolve({ went: !error, told, why })))
const server = () => ['--url', avow.origin, '--token', avow.token]

/** What a careless page does. */
const tooEarly = () => {
  if (location.protocol.startsWith('http')) document.cookie = 'chaport_uid=1f3a;path=/'
}
const seen = async (site = SITE) => {
  const { services } = await avow.call('GET', `/api/v1/observations?site=${site}`)
  return services.find(({ slug }) => slug === 'chaport')
}
const findings = { sites: [SITE], metrics: ['observed_without_consent'], dimensions: ['service'], filters: [['is', 'bot', ['yes', 'no']]] }

test('a cookie that comes too early is found, shown with its page, and not found any more after the fix', LIMIT, async () => {
  const careless = await visitor()
  await careless.context.addInitScript(tooEarly)
  const page = await careless.open(banner.path + '?observe=all')
  let found
  while (!(found = await seen())) await pause(POLL_MS)
  assert.equal(found.state, 'observed_without_consent')
  assert.deepEqual(found.cookies, ['chaport_uid'])
  assert.deepEqual(found.pages.map(({ page }) => page), ['127.0.0.1' + banner.path])
  assert.ok(Date.parse(found.first_seen) <= Date.now() && Date.now() - Date.parse(found.first_seen) < LIMIT.timeout)
  // Once she has agreed, the same cookie is no finding.
  await banner.acceptAll(page)
  await careless.posted(page)
  await pause(LONGER_THAN_A_LOOK_MS)
  await careless.close()

  const numbers = async () => {
    const { rows } = await avow.call('POST', '/api/v1/query', { ...findings, date_range: [today(), today()] })
    return rows.find(({ dimensions }) => dimensions.service === 'chaport')?.metrics.observed_without_consent ?? 0
  }
  while ((await numbers()) === 0) await pause(POLL_MS)
  const before = await numbers()

  const analyst = await browser.newPage()
  await analyst.goto(`${avow.origin}/promise?site=${SITE}&bot=yes,no#token=${avow.token}`)
  await analyst.getByText('Chaport').first().waitFor()
  await analyst.close()

  // The fix: the page sets the cookie when she has agreed, not before.
  const careful = await visitor()
  const later = await careful.open(banner.path + '?observe=all')
  await banner.rejectAll(later)
  await careful.posted(later)
  await pause(LONGER_THAN_A_LOOK_MS)
  await careful.close()
  const decided = { sites: [SITE], date_range: [today(), today()], metrics: ['decisions'], filters: [['is', 'bot', ['yes', 'no']]] }
  await avow.until(decided, (rows) => rows[0]?.metrics.decisions === 2)
  assert.equal(await numbers(), before)
  assert.equal((await seen()).events, found.events)
})

test('an audit looks into the browser with the switch, in its tab, and into no other', LIMIT, async () => {
  const path = banner.path + '?observe=audit'
  const asked = []
  const opened = async (address) => {
    const one = await visitor(audited)
    one.context.on('response', (response) => response.url().includes('/v1/observe?') && asked.push(response.status()))
    await one.context.addInitScript(tooEarly)
    const page = await one.open(address)
    return { one, page }
  }
  const other = await opened(path)
  const signed = await run('site', 'switch', AUDITED, '--hours', '1', '--page', audited.origin + path, ...server())
  assert.ok(signed.went, signed.why)
  const address = signed.told.match(/http:\S+#avow-audit=\S+/)?.[0]
  assert.ok(address, signed.told)
  const forged = await opened(address.slice(audited.origin.length).replace(/.(?=.{8}$)/, (c) => (c === 'A' ? 'B' : 'A')))
  await pause(LONGER_THAN_A_LOOK_MS)
  assert.deepEqual(asked, [403], 'without a switch nothing is even asked, and one that was changed is none')
  assert.deepEqual(await forged.page.evaluate(() => Object.keys(sessionStorage)), [], 'a no ends it')
  assert.equal(await seen(AUDITED), undefined)

  const own = await opened(address.slice(audited.origin.length))
  let found
  while (!(found = await seen(AUDITED))) await pause(POLL_MS)
  assert.deepEqual([found.state, found.cookies, found.events], ['observed_without_consent', ['chaport_uid'], 1])
  // The next page in this tab is looked at too; another tab of this browser is not.
  await own.one.go(own.page, path)
  while ((await seen(AUDITED)).events < 2) await pause(POLL_MS)
  await own.one.open(path)
  await pause(LONGER_THAN_A_LOOK_MS)
  assert.deepEqual(asked, [403, 200, 200], 'once for each page in this tab')
  assert.deepEqual((await seen(AUDITED)).events, 2)
  for (const { one } of [other, forged, own]) await one.close()
})

test('the export for one visitor shows the text, the grant, the withdrawal and what followed', LIMIT, async () => {
  const she = await visitor()
  const page = await she.open(banner.path)
  await banner.acceptAll(page)
  await she.posted(page)
  const again = await she.reload(page)
  await banner.reopen(again)
  await banner.toggle(again, 'chaport')
  await banner.save(again)
  await she.posted(again)
  const subject = banner.subject(await she.context.cookies())
  await she.close()

  const history = async () => (await avow.call('GET', `/api/v1/subjects/${subject}?site=${SITE}`).catch(() => null))?.history ?? []
  while ((await history()).length < 2) await pause(POLL_MS)

  const out = join(folder, 'chaport.zip')
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
  const exported = await run('export', '--site', SITE, '--subject', subject, '--from', today(), '--to', tomorrow, '--out', out, ...server())
  assert.ok(exported.went, exported.told + exported.why)
  const verified = await run('verify', out)
  assert.ok(verified.went, verified.told + verified.why)

  const files = unzipped(await readFile(out))
  const names = [...files.keys()]
  const report = files.get(names.find((name) => /report.*\.html$/.test(name))).toString()
  const text = report.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')
  for (const said of ['Chaport', TEXT, subject]) assert.ok(text.includes(said), `${said}: ${text.slice(text.indexOf("All times"), text.indexOf("All times") + 6000)}`)
  const { '@graph': graph } = JSON.parse(files.get('records.jsonld'))
  const records = JSON.stringify(graph)
  for (const said of ['ConsentGiven', 'ConsentWithdrawn']) assert.ok(records.includes(said), said)
  const rows = files.get('records.csv').toString().trim().split(/\r?\n/)
  assert.equal(rows.filter((row) => row.includes(subject) && row.includes('decided')).length, 1, rows.join('\n'))
  assert.equal(rows.filter((row) => row.includes(subject) && row.includes('withdrawn')).length, 1, rows.join('\n'))
})

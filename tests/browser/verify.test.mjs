// `/verify`: a real bundle judged in a real browser, as `avow verify` judges it; also from a copy on disk, without a network.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { binary, startAvow } from './avow.mjs'
import { launch } from './chromium.mjs'

const LIMIT = { timeout: 240_000 }
const SITE = 'verify.example'
const EVENTS = 40
const POLL_MS = 200

let avow, browser, folder, whole, changed, policy
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'avow-verify-'))
  avow = await startAvow()
  browser = await launch()
  await fill()
  whole = join(folder, 'whole.zip')
  await writeFile(whole, await bundle())
  changed = join(folder, 'changed.zip')
  await writeFile(changed, flipped(await readFile(whole)))
  const { logs } = await avow.call('GET', '/log')
  policy = join(folder, 'trust.policy')
  await writeFile(policy, `log ${logs.find(({ name }) => name === 'operator').public_key}\nquorum none\n`)
}, LIMIT)
after(async () => {
  await browser?.close()
  if (avow) assert.equal(await avow.stop(), 0, 'SIGTERM drains')
  await rm(folder, { recursive: true })
})

/** Decisions, under a checkpoint of which the operator log has its own. */
async function fill() {
  await avow.call('PUT', `/api/v1/sites/${SITE}`, { name: 'Verify', ledger: { checkpoint_seconds: 1 } })
  const events = Array.from({ length: EVENTS }, () => ({
    id: randomUUID(), site: SITE, type: 'decided', method: 'accept_all', subject: randomUUID(),
    occurred_at: new Date().toISOString(), categories: { preferences: true },
  }))
  const { accepted } = await avow.call('POST', '/v1/events', { events })
  assert.equal(accepted, EVENTS)
  for (;;) {
    const { logs } = await avow.call('GET', '/log')
    const sealed = logs.find(({ site }) => site === SITE)?.size > EVENTS
    if (sealed) break
    await pause(POLL_MS)
  }
}

const day = (offset) => new Date(Date.now() + offset * 864e5).toISOString().slice(0, 10)

/** The site's bundle, as bytes. */
async function bundle() {
  const asked = { site: SITE, from: day(-1), to: day(1) }
  let job = await avow.call('POST', '/api/v1/audit/exports', asked)
  const path = `/api/v1/audit/exports/${job.id}`
  while (job.state !== 'done') {
    assert.notEqual(job.state, 'failed', job.error)
    await pause(POLL_MS)
    job = await avow.call('GET', path)
  }
  const answer = await fetch(`${avow.origin}${path}/bundle`, { headers: { authorization: `Bearer ${avow.token}` } })
  return Buffer.from(await answer.arrayBuffer())
}

/** The zip with one byte of `disclosures.jsonl` changed where it lies packed. */
function flipped(zip) {
  const name = zip.indexOf('disclosures.jsonl')
  const begins = name + 'disclosures.jsonl'.length + zip.readUInt16LE(name - 2)
  const copy = Buffer.from(zip)
  copy[begins + 200] ^= 1
  return copy
}

/** What `avow verify` says: `{name: verdict}`, or null where it says that this is no bundle. */
const byCommand = (...args) =>
  new Promise((resolve) => {
    execFile(binary(), ['verify', ...args, '--json'], (_, out) => resolve(out ? verdicts(JSON.parse(out)) : null))
  })
const verdicts = (claims) => Object.fromEntries(claims.map(({ name, verdict }) => [name, verdict]))

/** What the page says of a bundle, under a policy where one is given: `{name: verdict}` in its order, and its texts. */
async function judged(page, file, under) {
  if (under) await page.setInputFiles('#policy', under)
  await page.setInputFiles('#bundle', file)
  await page.locator('section:is([data-verdict], [data-refused])').waitFor()
  const rows = await page.locator('[data-claim]').evaluateAll((all) => all.map(({ dataset, innerText }) => ({ name: dataset.claim, verdict: dataset.verdict, text: innerText })))
  return { verdicts: verdicts(rows), order: rows.map(({ verdict }) => verdict), text: await page.locator('main').innerText() }
}

/** A page of a new profile that fails the test when it asks anybody for anything, or the browser finds fault with it. */
async function open(address, options = {}) {
  const context = await browser.newContext({ locale: 'en-GB', ...options })
  const page = await context.newPage()
  const [requests, faults] = [[], []]
  page.on('request', (request) => requests.push(request.url()))
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  page.on('pageerror', (error) => faults.push(String(error)))
  await page.goto(address)
  return {
    page,
    async close() {
      const asked = requests.filter((url) => url !== address && !url.startsWith('blob:') && !url.startsWith('data:'))
      await context.close()
      assert.deepEqual({ asked, faults }, { asked: [], faults: [] })
    },
  }
}

test('a bundle is judged as the command judges it, and nothing leaves the page', LIMIT, async () => {
  const { page, close } = await open(`${avow.origin}/verify`)
  const alone = await judged(page, whole)
  assert.deepEqual(alone.verdicts, await byCommand(whole))
  assert.ok(!Object.values(alone.verdicts).includes('fails'), alone.text)
  assert.match(alone.text, new RegExp(`${EVENTS + 1} records, each what its leaf commits to`))

  const trusted = await judged(page, whole, policy)
  assert.deepEqual(trusted.verdicts, await byCommand(whole, '--policy', policy))
  assert.equal(trusted.verdicts.signer, 'holds')
  // Today is not closed: whether all of it is there cannot be judged yet.
  const unjudged = Object.entries(trusted.verdicts).filter(([, verdict]) => verdict === 'open').map(([claim]) => claim)
  assert.deepEqual(unjudged, ['days'])
  assert.equal(await page.locator('section[data-verdict]').getAttribute('data-verdict'), 'open')
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'verdict', 'the verdict has the focus')
  assert.equal(await page.locator('[role=status]').innerText(), 'Nothing fails, but not everything can be judged')
  await close()
})

test('a byte that is changed fails its claims, first in the list and in words', LIMIT, async () => {
  const { page, close } = await open(`${avow.origin}/verify`, { locale: 'de-DE', colorScheme: 'dark', viewport: { width: 360, height: 700 } })
  const result = await judged(page, changed)
  assert.deepEqual(result.verdicts, await byCommand(changed))
  assert.equal(result.verdicts.files, 'fails')
  const last = result.order.lastIndexOf('fails')
  assert.ok(result.order.slice(0, last).every((verdict) => verdict === 'fails'), `failed claims first: ${result.order}`)
  assert.match(result.text, /Verlassen Sie sich nicht auf dieses Paket/)
  assert.match(await page.locator('[data-claim=files]').innerText(), /Scheitert\s+Dateien\s+disclosures\.jsonl/)
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it fits a narrow screen')

  const torn = join(folder, 'torn.zip')
  await writeFile(torn, (await readFile(whole)).subarray(0, 3000))
  await page.setInputFiles('#bundle', torn)
  await page.locator('[data-refused=bundle]').waitFor()
  assert.equal(await byCommand(torn), null)
  await close()
})

test('a copy on disk does the same without a network', LIMIT, async () => {
  const { page, close } = await open(`${avow.origin}/verify`)
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Save this page' }).click()])
  const copy = join(folder, 'avow-verify.html')
  await download.saveAs(copy)
  await close()

  const disk = await open(pathToFileURL(copy).href, { offline: true })
  const good = await judged(disk.page, whole, policy)
  assert.deepEqual(good.verdicts, await byCommand(whole, '--policy', policy))
  const bad = await judged(disk.page, changed)
  assert.deepEqual(bad.verdicts, await byCommand(changed, '--policy', policy))
  assert.equal(bad.verdicts.files, 'fails')
  await disk.close()
})

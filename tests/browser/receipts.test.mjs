// A page that keeps the receipts that the beacon hands it (`avow:answered`), and a visitor who redeems hers later: for the proof
// that her decision is in the log, and for what is held of her.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { doorOf, startAvow } from './avow.mjs'
import { BANNERS, SERVICES } from './banners.mjs'
import { launch } from './chromium.mjs'
import { openShop } from './shop.mjs'
import { visit } from './visitor.mjs'

const LIMIT = { timeout: 240_000 }
const SITE = 'receipts.example'
const POLL_MS = 200
const [banner] = BANNERS

let avow, browser, shop
before(async () => {
  avow = await startAvow()
  browser = await launch()
  shop = await openShop({ site: SITE, endpoint: `${avow.origin}/v1/events?receipt=1`, beacon: `${avow.origin}/beacon.js` })
  const settings = { name: 'Receipts', origins: [shop.origin], services: SERVICES, ledger: { checkpoint_seconds: 1 } }
  await avow.call('PUT', `/api/v1/sites/${SITE}`, settings)
  // Receipts are signed with the key of the checkpoints.
  while (!(await avow.call('GET', '/log')).logs.some(({ name }) => name === 'operator')) await pause(POLL_MS)
}, LIMIT)
after(async () => {
  await browser?.close()
  shop?.close()
  if (avow) assert.equal(await avow.stop(), 0, 'SIGTERM drains')
})

/** What a site puts into its page: her receipts are kept where her choice is kept. */
const keepReceipts = () =>
  addEventListener('avow:answered', ({ detail }) => {
    const kept = JSON.parse(localStorage.getItem('receipts') ?? '[]')
    localStorage.setItem('receipts', JSON.stringify([...kept, ...(detail.receipts ?? []).map(({ receipt }) => receipt)]))
  })

const kept = (page) => page.evaluate(() => JSON.parse(localStorage.getItem('receipts') ?? '[]'))

test('a receipt that the page kept is redeemed for a proof, and for what is held', LIMIT, async () => {
  const door = doorOf(avow)
  door.endpoint += '?receipt=1'
  const visitor = await visit(browser, shop, door)
  visitor.context.on('response', (response) => response.url() === door.endpoint && door.requests.push(response.status()))
  await visitor.context.addInitScript(keepReceipts)
  const page = await visitor.open(banner.path)
  await banner.acceptAll(page)
  await visitor.posted(page)
  while ((await kept(page)).length < 2) await pause(POLL_MS)
  const later = await visitor.reload(page)
  const receipts = await kept(later)
  assert.equal(receipts.length, 2, 'the banner as it was shown, and her decision')

  for (const { id, note } of receipts) {
    const [title, site, commitment, received, deadline] = note.split('\n')
    assert.deepEqual([title, site], ['avow receipt v1', SITE])
    assert.equal(Buffer.from(commitment, 'base64').length, 32)
    assert.equal(deadline - received, 24 * 3600 * 1000)
    let proof
    do {
      await pause(POLL_MS)
      proof = await fetch(`${avow.origin}/receipt/${id}`)
    } while (proof.status === 404)
    assert.equal(proof.status, 200)
    assert.match(await proof.text(), /^c2sp\.org\/tlog-proof@v1\n/)
  }
  // Her decision's receipt opens what is held of her; the banner's, which was shown to nobody in particular, says nothing of her.
  const held = []
  for (const { id, seed } of receipts) {
    const body = JSON.stringify({ receipt: { id, seed } })
    const answer = await fetch(`${avow.origin}/v1/me`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body })
    held.push(answer.ok ? await answer.json() : null)
  }
  const subject = banner.subject(await visitor.context.cookies())
  const hers = held.filter((one) => one?.subject === subject)
  assert.equal(hers.length, 1, JSON.stringify(held))
  assert.equal(hers[0].records.length, 1)
  await visitor.close()
})

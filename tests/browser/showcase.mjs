// The server that the screenshots are taken of: `avow demo`, whose history follows from site and date alone, and beside it one
// of everything that a page can list. The same on every run but for the dates, the ids and the live traffic.

import { setTimeout as pause } from 'node:timers/promises'
import { startAvow } from './avow.mjs'

/** A site of the demo, whose pages are shown. */
export const SHOP = 'shop.example'
/** The visitor who is looked up. */
export const SUBJECT = '5b0c6a5e-6a0c-4e0e-a8f2-7a0f5f6d1c22'
const DAYS = 90
/** Live events per second: something moves, and today stays a day like the others. */
const RATE = 2
const POLL_MS = 500

const day = (ago) => new Date(Date.now() - ago * 864e5).toISOString().slice(0, 10)
const moment = (minutesAgo) => new Date(Date.now() - minutesAgo * 6e4).toISOString()

/** Starts the server and fills it; resolves once everything is there to be shown. */
export const startShowcase = async () => {
  const avow = await startAvow({ command: ['demo', '--days', String(DAYS), '--rate', String(RATE)], config: () => ({ AVOW_ALERTS__EVERY_SECONDS: '5' }) })
  await history(avow)
  await otherTool(avow)
  await visitor(avow)
  await lists(avow)
  const bundle = await exported(avow)
  await alert(avow)
  return { ...avow, bundle }
}

/** History is told oldest first: it is there once the days before today grow no more. */
async function history(avow) {
  const asked = { date_range: [day(DAYS), day(1)], metrics: ['shown'], dimensions: ['time'], interval: 'day' }
  for (let before = '', now = null; before !== now || now === '[]'; ) {
    before = now
    await pause(4 * POLL_MS)
    const { rows } = await avow.call('POST', '/api/v1/query', asked).catch(() => ({ rows: [] }))
    now = JSON.stringify(rows.at(-1)?.dimensions.time?.startsWith(day(1)) ? rows : [])
  }
}

/** What a CMP says of the same days. */
async function otherTool(avow) {
  const days = Array.from({ length: 60 }, (_, ago) => ({ date: day(ago), shown: 190 + (ago % 7), decisions: 150 + (ago % 5), accept_all: 88, opted_in: 101 + (ago % 3), opted_out: 49 }))
  const put = await fetch(`${avow.origin}/api/v1/aggregates/${SHOP}/didomi`, {
    method: 'PUT', headers: { authorization: `Bearer ${avow.token}`, 'content-type': 'application/json' }, body: JSON.stringify({ timezone: 'Europe/Paris', days }),
  })
  if (!put.ok) throw new Error(`aggregates: ${put.status} ${await put.text()}`)
}

/** Decides, changes her mind and withdraws; and a page of the shop where Chaport was there before anybody agreed. */
async function visitor(avow) {
  const banner = { version: '2026-11-01', language: 'fr', variant: 'A' }
  const event = (id, minutesAgo, more) => ({ id: `0199f0a2-6f0b-7c31-9d5e-0d6f2c1f9a${id}`, site: SHOP, occurred_at: moment(minutesAgo), banner, ...more })
  const events = [
    event('10', 300, { type: 'decided', subject: SUBJECT, method: 'accept_all', effort: { clicks: 1, ms: 2400 }, categories: { necessary: true, preferences: true, statistics: true, marketing: true } }),
    event('11', 120, { type: 'decided', subject: SUBJECT, method: 'save', prompt: 'user_opened', effort: { clicks: 3, ms: 9100 }, categories: { necessary: true, preferences: true, statistics: true, marketing: false } }),
    event('12', 15, { type: 'withdrawn', subject: SUBJECT, categories: { statistics: false } }),
    event('13', 10, { type: 'observed', observed: { cookies: ['chaport_uid', 'crisp-client/session/a1'], domains: [], others: 2, state: {} } }),
  ]
  const { rejected } = await avow.call('POST', '/v1/events', { events })
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected))
}

/** People, tokens, shared views, webhooks and a report. */
async function lists(avow) {
  await avow.call('POST', '/api/v1/people', { name: 'Ada Lovelace', email: 'ada@example.org', role: 'admin' })
  await avow.call('POST', '/api/v1/people', { name: 'Grace Hopper', email: 'grace@example.org', role: 'analyst', sites: [SHOP] })
  await avow.call('POST', '/api/v1/tokens', { name: 'Nightly export', scopes: ['stats:read', 'audit:export'], sites: [SHOP] })
  await avow.call('POST', '/api/v1/shares', { path: `/?site=${SHOP}`, name: 'For the board' })
  const { id } = await avow.call('POST', '/api/v1/webhooks', { url: 'https://hooks.example/avow', events: ['alert.opened', 'alert.closed', 'report.ready'], description: 'on call' })
  await avow.call('POST', '/api/v1/reports', { name: 'Weekly figures', webhook: id, sites: [SHOP], every: 'week', hour: 7, timezone: 'Europe/Paris', form: 'pdf', language: 'fr' })
}

/** The zip of an export, as bytes. */
async function exported(avow) {
  let job = await avow.call('POST', '/api/v1/audit/exports', { site: SHOP, from: day(3), to: day(-1) })
  const path = `/api/v1/audit/exports/${job.id}`
  while (job.state !== 'done') {
    if (job.state === 'failed') throw new Error(job.error)
    await pause(POLL_MS)
    job = await avow.call('GET', path)
  }
  const answer = await fetch(`${avow.origin}${path}/bundle`, { headers: { authorization: `Bearer ${avow.token}` } })
  return Buffer.from(await answer.arrayBuffer())
}

/** Chaport before consent, for the first time, is an alert. */
async function alert(avow) {
  for (let open = []; open.length === 0; ) {
    await pause(POLL_MS)
    open = (await avow.call('GET', '/api/v1/alerts?state=open')).alerts
  }
}

// Somebody is invited, chooses a password, signs in and out, and shares what she sees.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAvow } from './avow.mjs'
import { launch } from './chromium.mjs'

const LIMIT = { timeout: 240_000 }
const SITE = 'people.example'
const EMAIL = 'ada@example.org'
const PASSWORD = 'correct horse battery staple'

let avow, browser
before(async () => {
  avow = await startAvow()
  browser = await launch()
  await avow.call('PUT', `/api/v1/sites/${SITE}`, { name: 'Shop of people', services: { chaport: 'preferences' } })
}, LIMIT)
after(async () => {
  await browser?.close()
  if (avow) assert.equal(await avow.stop(), 0, 'SIGTERM drains')
})

const signIn = async (page, password) => {
  await page.getByLabel('E-mail address').fill(EMAIL)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).first().click()
}

test('an invitation, a password, a session, its end', LIMIT, async () => {
  const { invitation } = await avow.call('POST', '/api/v1/people', { name: 'Ada Lovelace', email: EMAIL, role: 'admin' })
  const context = await browser.newContext({ locale: 'en-GB' })
  const page = await context.newPage()
  await page.goto(avow.origin + invitation)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  assert.equal(new URL(page.url()).hash, '', 'the secret has left the address bar')
  await page.getByLabel('Password, once more').fill(PASSWORD)
  await page.getByRole('button', { name: 'Set password and sign in' }).click()
  await page.getByText('Signed in as Ada Lovelace').waitFor({ state: 'attached' })
  const [cookie] = await context.cookies()
  assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ['avow', true, 'Strict'])
  assert.deepEqual(await page.evaluate(() => [document.cookie, sessionStorage.length]), ['', 0], 'no script has a secret')

  await page.reload()
  await page.getByText('Signed in as Ada Lovelace').waitFor({ state: 'attached' })
  await page.getByRole('button', { name: 'Sign out' }).click()
  await signIn(page, 'another password, a wrong one')
  await page.getByText('The e-mail address or the password is wrong.').waitFor()
  await signIn(page, PASSWORD)
  await page.getByText('Signed in as Ada Lovelace').waitFor({ state: 'attached' })

  await page.goto(avow.origin + invitation)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByLabel('Password, once more').fill(PASSWORD)
  await page.getByRole('button', { name: 'Set password and sign in' }).click()
  await page.getByText('This link has been used already').waitFor()
  await context.close()
})

test('settings show people, sessions and who has read what', LIMIT, async () => {
  const context = await browser.newContext({ locale: 'en-GB' })
  const page = await context.newPage()
  await page.goto(`${avow.origin}/settings`)
  await signIn(page, PASSWORD)
  await page.locator(`[data-person="${EMAIL}"]`).waitFor()
  await page.locator('[data-session="current"]').waitFor()
  await page.getByLabel('Name', { exact: true }).last().fill('Grace Hopper')
  await page.getByLabel('E-mail address').fill('grace@example.org')
  await page.getByRole('button', { name: 'Make an invitation' }).click()
  assert.match(await page.locator('[data-once="invitation"]').innerText(), new RegExp(`^${avow.origin}/invite#invitation_`))
  await page.locator('[data-person="grace@example.org"]').waitFor()
  await page.getByLabel('Role: Ada Lovelace').selectOption('analyst')
  await page.getByText('This is the last administrator of all sites who can sign in.').waitFor()
  await page.getByRole('button', { name: 'Show', exact: true }).click()
  await page.locator('[data-access="/api/v1/people"]').first().waitFor()
  for (const width of [360, 1200]) {
    await page.setViewportSize({ width, height: 800 })
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    assert.ok(over <= 0, `at ${width} px the page is ${over} px too wide`)
  }
  await context.close()
})

test('whoever has the link of a shared view sees it without signing in', LIMIT, async () => {
  const event = { id: crypto.randomUUID(), site: SITE, type: 'shown', occurred_at: new Date().toISOString() }
  await avow.call('POST', '/v1/events', event)
  const today = event.occurred_at.slice(0, 10)
  await avow.until({ date_range: [today, today], metrics: ['shown'] }, (rows) => rows[0]?.metrics.shown === 1)
  const { link } = await avow.call('POST', '/api/v1/shares', { path: `/?site=${SITE}`, name: 'For the board' })
  const context = await browser.newContext({ locale: 'en-GB' })
  const page = await context.newPage()
  const refused = []
  page.on('response', (response) => response.status() >= 400 && refused.push(`${response.status()} ${response.url()}`))
  await page.goto(avow.origin + link)
  await page.getByText('Signed in as For the board').waitFor({ state: 'attached' })
  await page.getByText('Shop of people').first().waitFor()
  await page.locator('[data-live="open"]').waitFor()
  assert.equal(new URL(page.url()).hash, '')
  assert.deepEqual(refused, [], 'the view asks for nothing that it may not have')
  await context.close()
})

// Somebody signs in at a real OpenID Connect provider, in a real browser; who is not to get in does not, and is told why.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAvow } from './avow.mjs'
import { freePort } from './ports.mjs'
import { launch } from './chromium.mjs'
import { freshKey, makeProvider, signInThere } from './provider.mjs'

const LIMIT = { timeout: 240_000 }
const SITE = 'people.example'
const CLIENT = { client_id: 'avow', client_secret: 'a-secret-of-the-tests-0123456789' }
const CALLBACK = '/api/v1/session/oidc/callback'
const verified = (email, more = {}) => ({ email, email_verified: true, ...more })
const ACCOUNTS = {
  'ada-4711': verified('Ada@example.org', { name: 'Ada L.' }),
  'ada-other': verified('ada@example.org'),
  stranger: verified('stranger@example.org', { groups: ['visitors'] }),
  unverified: { email: 'grace@example.org', email_verified: false },
  member: verified('member@example.org', { name: 'Mary Member', groups: ['visitors', 'shop-team', 'avow-auditors'] }),
}

let avow, browser, provider
before(async () => {
  const config = async (origin) => {
    const client = { ...CLIENT, redirect_uris: [origin + CALLBACK] }
    provider = makeProvider({ port: await freePort(), client, accounts: ACCOUNTS })
    return {
      AVOW_OIDC__ISSUER: provider.issuer,
      AVOW_OIDC__CLIENT_ID: CLIENT.client_id,
      AVOW_OIDC__CLIENT_SECRET: CLIENT.client_secret,
      AVOW_OIDC__NAME: 'Shop ID',
      AVOW_OIDC__ROLE_CLAIM: 'groups',
      AVOW_OIDC__ROLES: `{shop-team="analyst", avow-auditors={role="auditor", sites=["${SITE}"]}}`,
    }
  }
  avow = await startAvow({ config })
  browser = await launch('--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost')
  await avow.call('PUT', `/api/v1/sites/${SITE}`, { name: 'Shop of people', services: { chaport: 'preferences' } })
}, LIMIT)
after(async () => {
  await browser?.close()
  await provider?.close()
  if (avow) assert.equal(await avow.stop(), 0, 'SIGTERM drains')
})

/** A browser of its own. */
const visit = async (path = '/', locale = 'en-GB') => {
  const context = await browser.newContext({ locale })
  const page = await context.newPage()
  await page.goto(avow.origin + path)
  return { context, page }
}
const button = (page) => page.getByRole('link', { name: 'Sign in with Shop ID' })
const isIn = (page, name) => page.getByText(`Signed in as ${name}`).waitFor({ state: 'attached' })
const why = async (page) => {
  const reason = page.locator('[data-signin]')
  await reason.waitFor()
  assert.equal(new URL(page.url()).hash, '', 'the code has left the address bar')
  return [await reason.getAttribute('data-signin'), await reason.innerText()]
}
const people = async () => (await avow.call('GET', '/api/v1/people')).people
const personOf = async (email) => (await people()).find((person) => person.email === email)

test('a provider that does not answer keeps nothing from starting', LIMIT, async () => {
  const { context, page } = await visit('/services')
  await button(page).click()
  assert.deepEqual(await why(page), [
    'unavailable', 'The sign-in service does not answer. Try again in a moment, or sign in with your password.',
  ])
  assert.equal(new URL(page.url()).pathname, '/services')
  await provider.open()
  for (;;) {
    await button(page).click()
    if (page.url().startsWith(provider.issuer)) break
    await page.waitForTimeout(500)
  }
  assert.deepEqual(await (await fetch(`${avow.origin}/api/v1/session/ways`)).json(), {
    password: true, oidc: { name: 'Shop ID', path: '/api/v1/session/oidc' },
  })
  await context.close()
})

test('who was invited signs in there, and is who they are from then on', LIMIT, async () => {
  await avow.call('POST', '/api/v1/people', { name: 'Ada Lovelace', email: 'ada@example.org', role: 'admin' })
  const { context, page } = await visit('/services?site=people.example')
  await button(page).click()
  await signInThere(page, 'ada-4711')
  await isIn(page, 'Ada Lovelace')
  assert.equal(page.url(), `${avow.origin}/services?site=people.example`, 'back to where she was')
  const cookies = await context.cookies(avow.origin)
  const ours = cookies.filter(({ name }) => name.startsWith('avow'))
  assert.deepEqual(ours.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]), [['avow', true, 'Strict']])
  const ada = await personOf('ada@example.org')
  assert.deepEqual([ada.has_identity, ada.has_password, ada.invited_until, ada.name], [true, false, null, 'Ada Lovelace'])

  await page.reload()
  await isIn(page, 'Ada Lovelace')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await button(page).waitFor()
  const { status } = await page.request.get(`${avow.origin}/api/v1/session`)
  assert.equal(await (await page.request.get(`${avow.origin}/api/v1/session`)).status(), 401, `${status}`)

  // Another address there: she is still the same.
  ACCOUNTS['ada-4711'].email = 'countess@example.org'
  await button(page).click()
  await isIn(page, 'Ada Lovelace')
  await context.close()

  const other = await visit()
  await button(other.page).click()
  await signInThere(other.page, 'ada-other')
  assert.equal((await why(other.page))[0], 'other_account', 'her address is not enough any more')
  await other.context.close()
})

test('who is not known, or not known to be who they say, is refused in their language', LIMIT, async () => {
  await avow.call('POST', '/api/v1/people', { name: 'Grace Hopper', email: 'grace@example.org', role: 'analyst' })
  for (const [name, code, locale, text] of [
    ['stranger', 'unknown', 'en-GB', 'Nobody was invited here with the e-mail address of your account.'],
    ['unverified', 'unverified', 'de-DE', 'Ihr Konto dort hat keine bestätigte E-Mail-Adresse'],
  ]) {
    const { context, page } = await visit('/', locale)
    await page.locator('a[href^="/api/v1/session/oidc"]').click()
    await signInThere(page, name)
    const [said, shown] = await why(page)
    assert.equal(said, code)
    assert.ok(shown.startsWith(text), shown)
    await context.close()
  }
  assert.equal(await personOf('stranger@example.org'), undefined)
  assert.equal((await personOf('grace@example.org')).has_identity, false)
})

test('a group makes a person: the highest role, its sites', LIMIT, async () => {
  const { context, page } = await visit()
  await button(page).click()
  await signInThere(page, 'member')
  await isIn(page, 'Mary Member')
  const member = await personOf('member@example.org')
  assert.deepEqual([member.role, member.sites, member.has_identity], ['auditor', [SITE], true])

  await avow.call('PATCH', `/api/v1/people/${member.id}`, { disabled: true })
  await page.reload()
  await button(page).click()
  assert.deepEqual(await why(page), ['disabled', 'Your access has been disabled. An administrator can enable it again.'])
  await context.close()
})

test('a person who cancels there is told so', LIMIT, async () => {
  const { context, page } = await visit()
  await button(page).click()
  await page.locator('input[name="login"]').waitFor()
  await page.getByRole('link', { name: 'Cancel' }).click()
  assert.equal((await why(page))[0], 'denied')
  await context.close()
})

test('a state that was used, forged, or begun in another browser opens nothing', LIMIT, async () => {
  const { context, page } = await visit()
  const callbacks = []
  page.on('request', (request) => request.url().includes(CALLBACK) && callbacks.push(request.url()))
  await button(page).click()
  await signInThere(page, 'ada-4711')
  await isIn(page, 'Ada Lovelace')
  assert.equal(callbacks.length, 1)
  const tried = async (browser, url) => {
    const answer = await browser.request.get(url, { maxRedirects: 0 })
    const session = answer.headersArray().filter(({ name, value }) => name.toLowerCase() === 'set-cookie' && /^(__Host-)?avow=/.test(value))
    assert.deepEqual([answer.status(), session], [302, []])
    return answer.headers().location
  }
  assert.equal(await tried(context, callbacks[0]), '/#signin=expired', 'again')
  const other = await visit()
  assert.equal(await tried(other.context, callbacks[0]), '/#signin=expired', 'in another browser')
  await button(other.page).click()
  await other.page.locator('input[name="login"]').waitFor()
  assert.equal(await tried(other.context, callbacks[0]), '/#signin=expired', 'with a sign-in of its own under way')
  const forged = new URL(callbacks[0])
  forged.searchParams.set('state', 'A'.repeat(43))
  assert.equal(await tried(other.context, forged.href), '/#signin=expired', 'forged')
  for (const query of ['', '?state=&code=x', '?code=x', '?error=access_denied']) {
    assert.equal(await tried(other.context, avow.origin + CALLBACK + query), '/#signin=expired', query)
  }
  await Promise.all([context.close(), other.context.close()])
})

test('an ID token that is not for this sign-in, or not of this provider, is refused', LIMIT, async () => {
  const forgeries = {
    'another sign-in': (_, claims) => ({ claims: { ...claims, nonce: 'another' } }),
    'no sign-in': (_, { nonce, ...claims }) => ({ claims }),
    'another client': (_, claims) => ({ claims: { ...claims, aud: 'another' } }),
    'several clients': (_, claims) => ({ claims: { ...claims, aud: ['avow', 'another'], azp: 'another' } }),
    'another issuer': (_, claims) => ({ claims: { ...claims, iss: 'http://localhost:1' } }),
    'long ago': (_, claims) => ({ claims: { ...claims, exp: Math.floor(Date.now() / 1000) - 60 } }),
    'another key': () => ({ key: freshKey() }),
    'no signature': (header) => ({ header: { ...header, alg: 'none' }, key: null }),
  }
  const { context, page } = await visit()
  await button(page).click()
  await signInThere(page, 'ada-4711')
  await isIn(page, 'Ada Lovelace')
  for (const [name, forged] of Object.entries(forgeries)) {
    await page.getByRole('button', { name: 'Sign out' }).click()
    provider.forged = forged
    await button(page).click()
    assert.equal((await why(page))[0], 'invalid', name)
    provider.forged = null
    await button(page).click()
    await isIn(page, 'Ada Lovelace')
  }
  await context.close()
})

test('nobody is led elsewhere', LIMIT, async () => {
  for (const to of ['//evil.example', '/\\evil.example', 'https://evil.example', '/%0d%0aset-cookie:x', '/api/v1/session']) {
    const answer = await fetch(`${avow.origin}/api/v1/session/oidc?to=${to.includes('%') ? to : encodeURIComponent(to)}`, { redirect: 'manual' })
    assert.deepEqual([answer.status, (await answer.json()).code], [422, 'invalid_value'], to)
  }
  const answer = await fetch(`${avow.origin}/api/v1/session/oidc?to=/live`, { redirect: 'manual' })
  const asked = new URL(answer.headers.get('location')).searchParams
  assert.deepEqual(
    ['response_type', 'client_id', 'code_challenge_method', 'scope', 'redirect_uri'].map((name) => asked.get(name)),
    ['code', 'avow', 'S256', 'openid email profile', avow.origin + CALLBACK],
  )
  assert.match(answer.headers.get('set-cookie'), /^avow-oidc=[^;]+; HttpOnly; SameSite=Lax; Path=\/; Max-Age=600$/)
})

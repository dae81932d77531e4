// A real OpenID Connect provider: `oidc-provider`, which the OpenID Foundation has certified, on http://localhost. That is another
// site than http://127.0.0.1, so that a browser treats cookies as it would between strangers.

import { createSign, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

const ALG = 'RS256'

const freshKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A JWT of these claims. */
const signed = (header, claims, key) => {
  const text = `${encoded(header)}.${encoded(claims)}`
  return `${text}.${key ? createSign('RSA-SHA256').update(text).sign(key, 'base64url') : ''}`
}

/**
 * A provider that knows `accounts` (claims by sign-in name) and one client. It listens once `open()` is called.
 *
 * Where `forged` is set, each ID token is replaced by the one that it makes of its header and claims: `{header, claims, key}`,
 * signed with the provider's own key unless another one is given (null: not at all).
 */
export const makeProvider = ({ port, client, accounts, inToken = false }) => {
  const key = freshKey()
  const issuer = `http://localhost:${port}`
  const provider = new Provider(issuer, {
    clients: [{ ...client, grant_types: ['authorization_code'], response_types: ['code'] }],
    jwks: { keys: [{ ...key.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: ALG }] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    cookies: { keys: ['only for tests'] },
    conformIdTokenClaims: !inToken,
    pkce: { required: () => true },
    findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
  })
  const state = { issuer, forged: null, asked: [] }
  provider.use(async (ctx, next) => {
    state.asked.push(ctx.path)
    await next()
    if (ctx.path !== '/token' || !state.forged || !ctx.body?.id_token) return
    const [header, claims] = ctx.body.id_token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')))
    const forged = { header, claims, key, ...state.forged(header, claims) }
    ctx.body = { ...ctx.body, id_token: signed(forged.header, forged.claims, forged.key) }
  })
  const server = createServer(provider.callback())
  state.open = () => new Promise((opened) => server.listen(port, opened))
  state.close = () => new Promise((closed) => (server.closeAllConnections(), server.close(closed)))
  return state
}

export { freshKey }

/** Signs somebody in at the provider's own pages, and agrees to what is asked. */
export const signInThere = async (page, name) => {
  await page.locator('input[name="login"]').fill(name)
  await page.locator('input[name="password"]').fill('any')
  await page.locator('button[type="submit"]').click()
  await page.getByRole('button', { name: 'Continue' }).click()
}

// The real binary, `avow serve`, on free ports with data of its own; and what a client asks of it.

import { execFile, spawn } from 'node:child_process'
import { existsSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from './ports.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TOKEN = 'browser-tests-admin-token'
/** From this header the server takes a visitor's country; only simulated visitors send it. */
const COUNTRY_HEADER = 'CF-IPCountry'
/** Between two questions whether something has happened yet; what is waited for has no limit but the test's own. */
const POLL_MS = 50

/** The binary under test: `AVOW_BIN`, or the release build of this checkout. Throws if it is not there. */
export const binary = () => {
  const path = process.env.AVOW_BIN ?? join(ROOT, 'target/release/avow')
  if (!existsSync(path)) throw new Error(`${path} is not there: cargo build --release, or set AVOW_BIN`)
  return path
}

const answers = (url) => fetch(url).then(({ ok }) => ok, () => false)

/** The environment less what would configure the server: AVOW_BIN alone would be an unknown key. */
const unconfigured = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AVOW_')))

/**
 * Starts `avow serve`, or another command that serves, and waits until it is ready. `config` are further variables of its
 * environment, where need be by the origin that it will have. `stop()` ends it by SIGTERM and removes its data.
 */
export const startAvow = async ({ command = ['serve'], config = (_origin) => ({}) } = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'avow-browser-'))
  const [port, adminPort] = [await freePort(), await freePort()]
  const further = await config(`http://127.0.0.1:${port}`)
  const log = join(folder, 'avow.log')
  const out = openSync(log, 'a')
  const child = spawn(binary(), command, {
    cwd: folder, // an avow.toml of the developer's must not leak in
    stdio: ['ignore', out, out],
    env: {
      ...unconfigured,
      AVOW_DATA_DIR: join(folder, 'data'),
      AVOW_LISTEN: `127.0.0.1:${port}`,
      AVOW_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
      AVOW_ADMIN_TOKEN: TOKEN,
      AVOW_INGEST__QUOTAS: 'off',
      AVOW_INGEST__COUNTRY_HEADER: COUNTRY_HEADER,
      AVOW_LIBCHDB: process.env.AVOW_LIBCHDB ?? join(ROOT, '.engine/libchdb.so'),
      ...further,
    },
  })
  const ended = once(child, 'exit')
  let stopping = false
  ended.then(async ([code, signal]) => {
    if (!stopping) console.error(`avow serve ended by itself (${signal ?? code}):\n${(await readFile(log, 'utf8')).slice(-4000)}`)
  })
  while (!(await answers(`http://127.0.0.1:${adminPort}/readyz`))) {
    if (child.exitCode !== null || child.signalCode) throw new Error('avow serve was never ready')
    await pause(POLL_MS)
  }

  const origin = `http://127.0.0.1:${port}`
  const call = async (method, path, body) => {
    const response = await fetch(origin + path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text && JSON.parse(text)
  }
  /** Asks until the answer is of the moment `since` or later. */
  const query = async (question, since) => {
    for (;;) {
      const { rows, meta } = await call('POST', '/api/v1/query', question)
      if (Date.parse(meta.freshness) >= since) return rows
      await pause(POLL_MS)
    }
  }
  return {
    origin,
    token: TOKEN,
    call,
    query,
    /** Asks until `enough(rows)`: for what no answer to a closed tab can tell. */
    async until(question, enough) {
      while (!enough((await call('POST', '/api/v1/query', question)).rows)) await pause(POLL_MS)
    },
    /** Sends simulated visitors, history as an import; resolves once each event has its 202. */
    simulate: (...options) =>
      promisify(execFile)(binary(), ['simulate', '--url', origin, '--token', TOKEN, '--country-header', COUNTRY_HEADER, ...options], { cwd: folder, env: unconfigured }),
    /** @returns {Promise<number | null>} the exit code */
    async stop() {
      stopping = true
      child.kill('SIGTERM')
      const [code] = await ended
      await rm(folder, { recursive: true })
      return code
    },
  }
}

/** Stands where a recorder stands, for a visitor of the real server: it keeps the status of each answer. */
export const doorOf = ({ origin }) => {
  const endpoint = `${origin}/v1/events`
  const requests = []
  return {
    endpoint,
    requests,
    events: () => requests,
    watch: (context) => context.on('response', (response) => response.url() === endpoint && requests.push(response.status())),
    async until(enough) {
      while (!enough()) await pause(POLL_MS / 5)
    },
  }
}

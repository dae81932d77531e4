// The clock on README's steps, from nothing to the first real event of a page: `make clock`. It clones this checkout into an empty
// folder, builds as README says (`--built` takes the binary that is there), starts Avow, connects a site, opens a page with a real
// banner in Chromium, presses "accept", and waits until the choice is counted. Each step with its seconds.

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BANNERS } from '../browser/banners.mjs'
import { launch } from '../browser/chromium.mjs'
import { freePort } from '../browser/ports.mjs'
import { openShop } from '../browser/shop.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SITE = 'shop.example'
const built = process.argv.includes('--built')
const folder = mkdtempSync(join(tmpdir(), 'avow-clock-'))
const clone = built ? ROOT : join(folder, 'avow')
const data = join(folder, 'data')
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AVOW|CARGO)_/.test(name)))

let last = performance.now()
const begun = last
const step = (what) => {
  const now = performance.now()
  console.log(`${((now - last) / 1000).toFixed(1).padStart(7)} s  ${what}`)
  last = now
}
const run = (command, args, options = {}) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: environment, ...options })?.toString()
const until = async (look) => {
  for (;;) {
    const found = await look()
    if (found) return found
    await new Promise((later) => setTimeout(later, 50))
  }
}

if (!built) {
  run('git', ['clone', '--quiet', ROOT, clone])
  step('git clone')
  run('make', ['--no-print-directory', 'build'], { cwd: clone, stdio: ['ignore', 'ignore', 'inherit'] })
  step('make build (compiles everything, fetches the engine)')
}
const binary = join(clone, 'target/release/avow')
const [port, adminPort] = [await freePort(), await freePort()]
const origin = `http://127.0.0.1:${port}`
const server = spawn(binary, ['serve'], {
  cwd: folder,
  stdio: 'ignore',
  env: {
    ...environment,
    AVOW_DATA_DIR: data,
    AVOW_LISTEN: `127.0.0.1:${port}`,
    AVOW_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
    AVOW_LIBCHDB: join(clone, '.engine/libchdb.so'),
  },
})
await until(() => fetch(`http://127.0.0.1:${adminPort}/readyz`).then(({ ok }) => ok, () => false))
step('avow serve, until it is ready')

const shop = await openShop({ beacon: `${origin}/beacon.js`, site: SITE, endpoint: `${origin}/v1/events` })
const put = ['site', 'put', SITE, '--name', 'Shop', '--origin', shop.origin, '--service', 'chaport=preferences', '--url', origin]
run(binary, put, { cwd: folder, env: { ...environment, AVOW_DATA_DIR: data } })
step('avow site put')

const browser = await launch()
const page = await browser.newPage()
const [banner] = BANNERS
await page.goto(`${shop.origin}/${banner.name}.html`)
await banner.acceptAll(page)
step('a page with the script tag: its banner is up, and accepted')

const token = readFileSync(join(data, 'admin-token'), 'utf8').trim()
const today = new Date().toISOString().slice(0, 10)
const question = { sites: [SITE], date_range: [today, today], metrics: ['decisions', 'accept_all'] }
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
await until(async () => {
  const answer = await fetch(`${origin}/api/v1/query`, { method: 'POST', headers, body: JSON.stringify(question) })
  return (await answer.json()).rows?.[0]?.metrics.accept_all === 1
})
step('the choice is counted')

console.log(`${((last - begun) / 1000).toFixed(1).padStart(7)} s  from ${built ? 'a built binary' : 'nothing'} to the first event of a page`)
await browser.close()
shop.close()
server.kill('SIGTERM')
await new Promise((ended) => server.once('exit', ended))
rmSync(folder, { recursive: true })

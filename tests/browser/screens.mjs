// Takes every page for docs/screens.md: `make screens`. WebP in docs/screens, by page and by look: light, dark, on a narrow
// screen, in German and in French. SCREENS_PNG names a folder for PNGs beside them; arguments name the pages to take;
// AVOW_PAGE names a page to take over a server that carries another (built.mjs).

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serveBuilt } from './built.mjs'
import { launch } from './chromium.mjs'
import { SHOP, SUBJECT, startShowcase } from './showcase.mjs'

const FOLDER = fileURLToPath(new URL('../../docs/screens', import.meta.url))
const QUALITY = 45
/** Text is still read, and a picture weighs half. */
const SCALE = 0.8
/** Of a longer page the beginning is taken. */
const TALLEST = 1600
const NUMBERS = '.board'

/** Page, address, and what it is not ready without; `of` is taken alone, with what stands around it left out. */
const SCREENS = [
  { name: 'signin', path: '/', ready: 'form', signedOut: true },
  { name: 'overview', path: '/', ready: NUMBERS },
  { name: 'segments', path: '/segments', ready: '[data-shade]' },
  { name: 'sites', path: '/sites', ready: NUMBERS },
  { name: 'services', path: '/services', ready: NUMBERS },
  { name: 'service', path: '/services?service=chaport', ready: NUMBERS },
  { name: 'sheet', path: '/services?service=chaport&sheet=1', ready: '[data-sheet]' },
  { name: 'experiments', path: `/experiments?site=${SHOP}`, ready: '[data-verdict]' },
  { name: 'fairness', path: '/fairness', ready: NUMBERS },
  { name: 'promise', path: '/promise', ready: NUMBERS },
  { name: 'signals', path: '/signals', ready: NUMBERS },
  { name: 'bridge', path: '/bridge', ready: '[data-number="theirs"]' },
  { name: 'live', path: '/live', ready: 'main tbody tr', wait: 8_000 },
  { name: 'alerts', path: '/alerts', ready: '[data-alert]' },
  { name: 'records', path: '/audit', fragment: `subject=${SUBJECT}&site=${SHOP}`, ready: 'section ol, section table', of: 'section:has(> #subject-title)' },
  { name: 'exports', path: '/audit', ready: 'main h2', of: 'section:has(> #exports-title)' },
  { name: 'quality', path: '/quality', ready: '[data-balanced]' },
  { name: 'settings', path: '/settings', ready: 'section table' },
  { name: 'people', path: '/settings', ready: '[data-person]', of: 'section:has([data-person])' },
  { name: 'tokens', path: '/settings', ready: '[data-token]', of: 'section:has([data-token])' },
  { name: 'webhooks', path: '/settings', ready: 'main h2', of: 'section:has(> #webhooks-title)' },
  { name: 'reports', path: '/settings', ready: 'main h2', of: 'section:has(> #reports-title)' },
  { name: 'docs', path: '/docs', ready: 'main h1' },
  { name: 'verify', path: '/verify', ready: '#bundle', signedOut: true, bundle: true },
]
const WIDE = { width: 1280, height: 900 }
const LOOKS = {
  light: { locale: 'en-GB', colorScheme: 'light', viewport: WIDE },
  dark: { locale: 'en-GB', colorScheme: 'dark', viewport: WIDE },
  narrow: { locale: 'en-GB', colorScheme: 'light', viewport: { width: 390, height: 844 } },
  de: { locale: 'de-DE', colorScheme: 'light', viewport: WIDE },
  fr: { locale: 'fr-FR', colorScheme: 'light', viewport: WIDE },
}

/** Opens a page as it is to be shown. */
async function open(page, avow, file, { path, fragment, ready, signedOut, bundle, wait }) {
  await page.goto('about:blank')
  const token = signedOut ? '' : `token=${avow.token}`
  await page.goto(`${avow.origin}${path}#${[token, fragment].filter(Boolean).join('&')}`)
  await page.locator(ready).first().waitFor()
  if (bundle) {
    await page.setInputFiles('#bundle', file)
    await page.locator('section[data-verdict]').waitFor()
  }
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'))
  await page.evaluate(() => document.fonts.ready)
  if (!signedOut) await page.locator('nav .badge').first().waitFor({ state: 'attached' })
  await page.waitForTimeout(wait ?? 400)
}

/** What is taken, in pixels of the page. */
async function frame(page, of) {
  const whole = await page.evaluate(() => ({ x: 0, y: 0, width: document.documentElement.clientWidth, height: document.documentElement.scrollHeight }))
  if (!of) return { ...whole, height: Math.min(whole.height, TALLEST) }
  const box = await page.locator(of).first().evaluate((element) => {
    const { top, height } = element.getBoundingClientRect()
    return { top: top + scrollY, height }
  })
  return { x: 0, y: Math.max(0, box.top - 16), width: whole.width, height: Math.min(box.height + 32, TALLEST) }
}

async function take(page, name, of, png) {
  const clip = { ...(await frame(page, of)), scale: SCALE }
  const session = await page.context().newCDPSession(page)
  const capture = async (options) => Buffer.from((await session.send('Page.captureScreenshot', { clip, captureBeyondViewport: true, ...options })).data, 'base64')
  const webp = await capture({ format: 'webp', quality: QUALITY })
  await writeFile(join(FOLDER, `${name}.webp`), webp)
  if (png) await writeFile(join(png, `${name}.png`), await capture({ format: 'png' }))
  return webp.length
}

/** The server that AVOW_SHOWCASE names, `{"origin", "token", "bundle"}`, or one of its own. */
async function server(folder) {
  const file = join(folder, 'bundle.zip')
  if (process.env.AVOW_SHOWCASE) {
    const { origin, token, bundle } = JSON.parse(process.env.AVOW_SHOWCASE)
    return { avow: { origin, token, stop: () => {} }, file: bundle }
  }
  const avow = await startShowcase()
  await writeFile(file, avow.bundle)
  return { avow, file }
}

const wanted = process.argv.slice(2)
const png = process.env.SCREENS_PNG
await mkdir(FOLDER, { recursive: true })
if (png) await mkdir(png, { recursive: true })
const folder = await mkdtemp(join(tmpdir(), 'avow-screens-'))
const { avow, file } = await server(folder)
let [taken, bytes] = [0, 0]
for (const [look, options] of Object.entries(LOOKS)) {
  // What the browser itself writes, in fields for dates and files, is in its own language, where it has that (chromium-l10n).
  process.env.LANGUAGE = options.locale.replace('-', '_') // Chromium on Linux asks the environment, not --lang
  const browser = await launch()
  for (const screen of SCREENS) {
    if (wanted.length > 0 && !wanted.includes(screen.name) && !wanted.includes(`${screen.name}-${look}`)) continue
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
    await serveBuilt(context, avow.origin)
    const page = await context.newPage()
    page.setDefaultTimeout(180_000) // a busy machine may take its time
    page.on('pageerror', (error) => console.error(`${screen.name}-${look}: ${error.message}`))
    await open(page, avow, file, screen)
    const size = await take(page, `${screen.name}-${look}`, screen.of, png)
    console.log(`${screen.name}-${look}.webp ${size}`)
    ;[taken, bytes] = [taken + 1, bytes + size]
    await context.close()
  }
  await browser.close()
}
await avow.stop()
await rm(folder, { recursive: true })
console.log(`${taken} pictures, ${bytes} bytes`)

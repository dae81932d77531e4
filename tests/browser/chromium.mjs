// Finds and starts Chromium: the one named by CHROMIUM, or Debian's, or whatever PATH holds by that name.

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'

/** Nothing may depend on a graphics card or a first run, and nothing of the browser's own may leave the machine. */
const FLAGS = [
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
]

const executable = (path) => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** @returns {string} the path of Chromium; throws, naming the remedy, if there is none */
export const findChromium = () => {
  const candidates = [
    process.env.CHROMIUM,
    '/usr/bin/chromium',
    ...(process.env.PATH ?? '').split(delimiter).flatMap((dir) => [join(dir, 'chromium'), join(dir, 'chromium-browser')]),
  ]
  const found = candidates.find((path) => path && executable(path))
  if (!found) throw new Error('no Chromium: run tests/browser/ensure-chromium.sh, or set CHROMIUM')
  return found
}

/** Starts Chromium, headless, with a user-data folder of its own that goes when it is closed. */
export const launch = (...flags) =>
  chromium.launch({ executablePath: findChromium(), headless: true, args: [...FLAGS, ...flags] })

// A shop on 127.0.0.1: the pages of `pages/`, the banners' npm files, and the built beacon, as a site would serve them.

import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { basename, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { listen } from './ports.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css' }

/** Where a page wants its script tag. */
const TAG = /\{\{beacon(?::([a-z0-9-]+)([^}]*(?:\}[^}]+)*))?\}\}/

/** How long observation waits for the page, in milliseconds. */
const OBSERVE_MS = 200

/** Where a path of the shop lies on disk. */
const locate = (path) => {
  if (/^\/beacon[a-z0-9-]*\.js$/.test(path)) return join(HERE, '../../ingest/beacon/dist', path)
  if (path.startsWith('/npm/')) return join(HERE, 'node_modules', path.slice('/npm/'.length))
  return join(HERE, 'pages', path)
}

/** Packages that come as modules are bundled, as a site would: `/bundle/tcf.js` is `pages/tcf.mjs` with what it imports. */
const bundles = new Map()
const bundle = (path) => {
  if (!bundles.has(path)) {
    const entryPoints = [join(HERE, 'pages', basename(path, '.js') + '.mjs')]
    const define = { 'process.env.NODE_ENV': '"production"' }
    bundles.set(path, build({ entryPoints, define, bundle: true, format: 'iife', write: false, logLevel: 'error' }))
  }
  return bundles.get(path).then(({ outputFiles }) => outputFiles[0].contents)
}

/**
 * Opens the shop. Its pages carry, at `{{beacon}}`, the script tag that `settings` describe: `beacon` (where the script is),
 * `site`, `endpoint` and, if there is one, `textHash` of what the banner says; at `{{beacon:tcf ...}}` that of `beacon-tcf.js` with further attributes. Asked for
 * with `?late` they carry none, with `?shown=off` one that says nothing before a choice, with `?views` one
 * that reports page views, with `?retry` one whose events outlive the page, with `?receipts` one that gives receipts, with
 * `?observe=all` or `audit` one that observes the page.
 */
export const openShop = async ({ beacon, site, endpoint, textHash }) => {
  const tag = (query) => (_, name, attributes = '') =>
    `<script src="${name ? beacon.replace('beacon.js', `beacon-${name}.js`) : beacon}" data-site="${site}"
          data-endpoint="${endpoint}" data-banner-version="2026-11-01" data-variant="B"${attributes} ${textHash ? `data-text-hash="${textHash}"` : ''}
          ${query.has('shown') ? 'data-shown="off"' : ''} ${query.has('views') ? 'data-loaded="on"' : ''}
          ${query.has('retry') ? 'data-retry="on"' : ''} ${query.has('receipts') ? 'data-receipts="keep"' : ''}
          ${query.has('observe') ? `data-observe="${query.get('observe')}" data-observe-after="${OBSERVE_MS}"` : ''}></script>`
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://shop')
    const path = normalize(decodeURIComponent(pathname))
    try {
      let body = path.startsWith('/bundle/') ? await bundle(path) : await readFile(locate(path))
      if (path.endsWith('.html')) body = body.toString().replace(TAG, searchParams.has('late') ? '' : tag(searchParams))
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  return { origin: await listen(server), close: () => server.close() }
}

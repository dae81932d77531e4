// A shop on 127.0.0.1: the pages of `pages/`, the banners' npm files, and the built beacon, as a site would serve them.

import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css' }

/** Where a path of the shop lies on disk. */
const locate = (path) => {
  if (path === '/beacon.js') return join(HERE, '../../ingest/beacon/dist/beacon.js')
  if (path.startsWith('/npm/')) return join(HERE, 'node_modules', path.slice('/npm/'.length))
  return join(HERE, 'pages', path)
}

/** Listens on a free port of 127.0.0.1. @returns {Promise<string>} the origin */
export const listen = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`)))

/**
 * Opens the shop. `{{site}}`, `{{endpoint}}` and `{{beacon}}` in its pages are taken from `settings` at each request, so
 * that a server started later can be named.
 */
export const openShop = async (settings) => {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://shop').pathname))
    try {
      let body = await readFile(locate(path))
      if (path.endsWith('.html')) body = body.toString().replace(/\{\{(\w+)\}\}/g, (_, name) => settings[name])
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  return { origin: await listen(server), close: () => server.close() }
}

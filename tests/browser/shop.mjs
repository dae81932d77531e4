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
 * Opens the shop. Its pages carry the script tag that `settings` describe: `beacon` (where the script is), `site` and
 * `endpoint`; a page asked for with `?late` carries none.
 */
export const openShop = async ({ beacon, site, endpoint }) => {
  const tag = `<script src="${beacon}" data-site="${site}" data-endpoint="${endpoint}" data-banner-version="2026-11-01"
          data-variant="B"></script>`
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://shop')
    const path = normalize(decodeURIComponent(pathname))
    try {
      let body = await readFile(locate(path))
      if (path.endsWith('.html')) body = body.toString().replace('{{beacon}}', searchParams.has('late') ? '' : tag)
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  return { origin: await listen(server), close: () => server.close() }
}

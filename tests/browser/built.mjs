// A page that has just been built, over a server that carries an older one: AVOW_PAGE names the folder (api/web/dist), so that
// the page can be driven and pictured without building the binary. Without AVOW_PAGE nothing is touched.

import { existsSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = process.env.AVOW_PAGE
/** What the server answers itself, with or without a page. */
const OWN = /^\/(api|v1|beacon|s)(\/|\.|$)/

/** Answers documents and assets of `context` from AVOW_PAGE; the server's own headers, with its policy, stay. */
export const serveBuilt = async (context, origin) => {
  if (!FOLDER) return
  await context.route(`${origin}/**`, async (route) => {
    const { pathname } = new URL(route.request().url())
    if (OWN.test(pathname)) return route.continue()
    const asset = join(FOLDER, pathname)
    if (pathname.startsWith('/assets/')) return route.fulfill({ path: asset })
    if (route.request().resourceType() !== 'document') return route.continue()
    const document = join(FOLDER, pathname === '/verify' ? 'verify.html' : 'index.html')
    if (!existsSync(document)) return route.continue()
    const { headers } = await route.fetch().then((answer) => ({ headers: answer.headers() }))
    delete headers['content-encoding']
    delete headers['content-length']
    return route.fulfill({ headers, contentType: 'text/html', path: document })
  })
}

// A visitor: a browser profile of her own, tabs in it, and the means to know that every post a tab began has arrived.

/** One visitor with an empty profile. `recorder` is where the shop's beacon posts to; `options` are the browser context's. */
export const visit = async (browser, shop, recorder, options) => {
  // Without it a banner slides into place, and a click may have to wait for it.
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  let begun = 0
  const foreign = []
  context.on('request', (request) => {
    if (request.url() === recorder.endpoint) begun++
    else if (request.url().startsWith(new URL('observe?', recorder.endpoint).href)) return
    else if (!request.url().startsWith(shop.origin) && !request.url().startsWith('data:')) foreign.push(request.url())
  })

  /**
   * Everything posted so far, once what the tab began has arrived. The beacon posts before the task of the click ends, so
   * that after one more task nothing can still be about to begin.
   */
  const posted = async (page) => {
    await page.evaluate(() => new Promise((done) => setTimeout(done)))
    await recorder.until(() => recorder.requests.length >= begun)
    return recorder.events()
  }

  /** Waits until banner and beacon have done what they do on loading. */
  const loaded = async (page) => {
    await page.waitForSelector('html[data-ready]', { state: 'attached' })
    await posted(page)
    return page
  }

  return {
    context,
    foreign,
    posted,
    loaded,
    /** Opens a page of the shop in a new tab. */
    async open(path) {
      const page = await context.newPage()
      await page.goto(shop.origin + path)
      return loaded(page)
    },
    /** Goes to another page of the shop in the same tab, once what was begun there has arrived. */
    async go(page, path) {
      await posted(page)
      await page.goto(shop.origin + path)
      return loaded(page)
    },
    async reload(page) {
      await posted(page)
      await page.reload()
      return loaded(page)
    },
    /** The names of everything that the browser keeps of the shop: cookies by the browser's own account, HttpOnly ones too. */
    async stored(page) {
      const session = await context.newCDPSession(page)
      const { cookies } = await session.send('Network.getAllCookies')
      await session.detach()
      const rest = await page.evaluate(async () => ({
        local: Object.keys(localStorage), session: Object.keys(sessionStorage),
        databases: (await indexedDB.databases()).map(({ name }) => name), caches: await caches.keys(),
      }))
      return { cookies: cookies.map(({ name }) => name), ...rest }
    },
    close: () => context.close(),
  }
}

/** What of an event two runs have in common: ids and times are left to assertions of their own. */
export const outline = ({ type, prompt, method, layer, categories, services, purposes, effort }) => {
  const all = { type, prompt, method, layer, categories, services, purposes, clicks: effort?.clicks }
  // A banner that has none of a kind names none.
  return JSON.parse(JSON.stringify(all, (_, value) => (value && typeof value === 'object' && !Object.keys(value)[0] ? undefined : value)))
}

// A visitor: a browser profile of her own, tabs in it, and the means to know that every post a tab began has arrived.

/** One visitor with an empty profile. `recorder` is where the shop's beacon posts to. */
export const visit = async (browser, shop, recorder) => {
  const context = await browser.newContext()
  let begun = 0
  const foreign = []
  context.on('request', (request) => {
    if (request.url() === recorder.endpoint) begun++
    else if (!request.url().startsWith(shop.origin) && !request.url().startsWith('data:')) foreign.push(request.url())
  })

  const ready = (page) => page.waitForSelector('html[data-ready]', { state: 'attached' })

  return {
    context,
    foreign,
    /** Opens a page of the shop in a new tab, and waits until banner and beacon have done what they do on loading. */
    async open(path) {
      const page = await context.newPage()
      await page.goto(shop.origin + path)
      await ready(page)
      return page
    },
    async reload(page) {
      await page.reload()
      await ready(page)
    },
    /**
     * Everything posted so far, once what the tab began has arrived. The beacon posts before the task of the click ends,
     * so that after one more task nothing can still be about to begin.
     */
    async posted(page) {
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))))
      await recorder.until(() => recorder.requests.length >= begun)
      return recorder.events()
    },
    close: () => context.close(),
  }
}

/** What of an event two runs have in common: ids and times are left to assertions of their own. */
export const outline = ({ type, prompt, method, layer, categories, services, effort }) =>
  JSON.parse(JSON.stringify({ type, prompt, method, layer, categories, services, clicks: effort?.clicks }))

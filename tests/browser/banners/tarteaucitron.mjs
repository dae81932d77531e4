import { besides, services } from './words.mjs'

export const tarteaucitron = {
  name: 'tarteaucitron',
  path: '/tarteaucitron.html',
  /** Its own cookie, which says that it waits. */
  before: ['tarteaucitron'],
  accept: '#tarteaucitronPersonalize2',
  reject: '#tarteaucitronAllDenied2',
  choose: (page) => page.click('#tarteaucitronCloseAlert'),
  reopen: (page) => page.click('#footer-settings'),
  async toggle(page, ...names) {
    for (const name of names) {
      const granted = await page.evaluate((key) => tarteaucitron.state[key], name)
      await page.click(`#${name}${granted ? 'Denied' : 'Allowed'}`)
    }
  },
  /** Where something that was running is refused it loads the page anew, half a second later. */
  async save(page) {
    const reloads = await page.evaluate(() => tarteaucitron.reloadThePage)
    const reloaded = reloads && page.waitForEvent('load')
    await page.click('#tarteaucitronSaveButton')
    await reloaded
    await page.waitForSelector('html[data-ready]', { state: 'attached' })
  },
  two: ['chaport', 'livechat'],
  clicks: 3,
  said: services({ chaport: 'preferences', livechat: 'preferences', webstats: 'statistics' }),
  taken: (service) => ({ services: { [service]: false } }),
  scripted: '#tarteaucitronAllDenied',
  subject: besides,
}

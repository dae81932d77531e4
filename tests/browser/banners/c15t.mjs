import { besides } from './words.mjs'

/** Its categories in Avow's words. It asks for no services. */
const CATEGORIES = { functionality: 'preferences', measurement: 'statistics', marketing: 'marketing' }
const testid = (name) => `[data-testid=${name}]`

export const c15t = {
  name: 'c15t',
  path: '/c15t.html',
  accept: testid('consent-banner-accept-button'),
  reject: testid('consent-banner-reject-button'),
  choose: (page) => page.click(testid('consent-banner-customize-button')),
  reopen: (page) => page.click('#footer-settings'),
  async toggle(page, ...names) {
    for (const name of names) await page.click(testid(`consent-widget-switch-${name}`))
  },
  /** It stores the choice a moment after the click, and loads the page anew where something is taken back. */
  async save(page) {
    const [time, revokes] = await page.evaluate(() => {
      const { consents, selectedConsents, consentInfo } = window.c15tStore.getState()
      return [consentInfo?.time, Object.keys(consents).some((name) => consents[name] && !selectedConsents[name])]
    })
    const reloaded = revokes && page.waitForEvent('load')
    await page.click(testid('consent-widget-footer-save-button'))
    await reloaded
    if (revokes) await page.waitForSelector('html[data-ready]', { state: 'attached' })
    else await page.waitForFunction((before) => window.c15tStore.getState().consentInfo?.time !== before, time)
  },
  /** For a page: it closes itself as soon as the choice is stored. */
  closing: () => void window.c15tStore.subscribe(({ consentInfo }) => consentInfo && setTimeout(() => window.close())),
  after: (page) => page.waitForFunction(() => window.c15tStore.getState().consentInfo),
  two: ['functionality', 'measurement'],
  clicks: 3,
  said: (granted) => ({ categories: Object.fromEntries(Object.entries(CATEGORIES).map(([name, slug]) => [slug, granted(name)])) }),
  taken: (name) => ({ categories: { [CATEGORIES[name]]: false } }),
  scripted: testid('consent-widget-footer-save-button'),
  subject: besides,
}

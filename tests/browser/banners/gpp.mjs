import { besides } from './words.mjs'

const PURPOSES = ['usnat-Sale', 'usnat-Sharing', 'usnat-TargetedAdvertising']

export const gpp = {
  name: 'gpp',
  path: '/gpp.html',
  accept: '#accept',
  reject: '#reject',
  choose: (page) => page.click('#choose'),
  reopen: (page) => page.click('#footer-settings'),
  async toggle(page, ...names) {
    for (const name of names) await page.click(`#cmp label:has([name="${name.replace('usnat-', '')}OptOut"])`)
  },
  save: (page) => page.click('#save'),
  two: ['usnat-Sale', 'usnat-Sharing'],
  clicks: 3,
  said: (granted) => ({ purposes: Object.fromEntries(PURPOSES.map((name) => [name, granted(name)])) }),
  taken: (name) => ({ purposes: { [name]: false } }),
  scripted: '#save',
  /** The interface does not say when a choice ends. */
  endless: true,
  subject: besides,
}

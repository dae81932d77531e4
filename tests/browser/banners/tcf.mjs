import { besides } from './words.mjs'

const PURPOSES = ['iab-1', 'iab-2', 'iab-3', 'iab-4', 'iab-5', 'iab-6', 'iab-7', 'iab-8', 'iab-9', 'iab-10', 'iab-11', 'iab-sf-1', 'iab-sf-2']
/** What the page's banner asks for: these purposes, one special feature, and one vendor that is a service. */
const ASKED = ['iab-1', 'iab-3', 'iab-4', 'iab-sf-1']

export const tcf = {
  name: 'tcf',
  path: '/tcf.html',
  accept: '#accept',
  reject: '#reject',
  choose: (page) => page.click('#choose'),
  reopen: (page) => page.click('#footer-settings'),
  async toggle(page, ...names) {
    for (const name of names) await page.click(`#cmp label:has([name="${name}"])`)
  },
  save: (page) => page.click('#save'),
  two: ['iab-1', 'chaport'],
  clicks: 3,
  said: (granted) => ({
    services: { chaport: granted('chaport') },
    purposes: Object.fromEntries(PURPOSES.map((name) => [name, ASKED.includes(name) && granted(name)])),
  }),
  taken: (name) => (name === 'chaport' ? { services: { chaport: false } } : { purposes: { [name]: false } }),
  scripted: '#save',
  /** The interface does not say when a choice ends. */
  endless: true,
  subject: besides,
}

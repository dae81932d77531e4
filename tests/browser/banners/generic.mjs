import { besides } from './words.mjs'

export const generic = {
  name: 'generic',
  path: '/generic.html',
  accept: '#accept',
  reject: '#reject',
  choose: (page) => page.click('#choose'),
  reopen: (page) => page.click('#footer-settings'),
  async toggle(page, ...names) {
    for (const name of names) await page.click(`[name=${name}]`)
  },
  save: (page) => page.click('#save'),
  two: ['chat', 'statistics'],
  clicks: 3,
  said: (granted) => ({ categories: { statistics: granted('statistics') }, services: { chaport: granted('chat') } }),
  taken: (name) => (name === 'chat' ? { services: { chaport: false } } : { categories: { statistics: false } }),
  scripted: '#save',
  /** Nobody says when the choice ends. */
  endless: true,
  subject: besides,
}

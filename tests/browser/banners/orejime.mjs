import { besides, services } from './words.mjs'

const SERVICES = { chaport: 'preferences', crisp: 'preferences', matomo: 'statistics' }

export const orejime = {
  name: 'orejime',
  path: '/orejime.html',
  accept: '[data-testid=orejime-banner-accept]',
  reject: '[data-testid=orejime-banner-decline]',
  choose: (page) => page.click('[data-testid=orejime-banner-configure]'),
  reopen: (page) => page.click('#footer-settings'),
  async toggle(page, ...names) {
    for (const name of names) await page.click(`label[for="orejime-purpose-${name}"]`)
  },
  save: (page) => page.click('[data-testid=orejime-modal-save]'),
  two: ['chaport', 'crisp'],
  clicks: 3,
  said: (granted) => {
    const { categories, ...rest } = services(SERVICES)(granted)
    return { categories: { ...categories, marketing: granted('ads') }, ...rest }
  },
  taken: (service) => ({ services: { [service]: false } }),
  scripted: '[data-testid=orejime-modal-save]',
  subject: besides,
}

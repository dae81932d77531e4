import { services } from './words.mjs'

const SERVICES = { chaport: 'preferences', crisp: 'preferences', matomo: 'statistics', 'google-ads': 'marketing' }

export const klaro = {
  name: 'klaro',
  path: '/klaro.html',
  services: Object.keys(SERVICES),
  accept: '.cookie-notice .cm-btn-success',
  reject: '.cookie-notice .cn-decline',
  choose: (page) => page.click('.cn-learn-more'),
  reopen: (page) => page.click('#footer-settings'),
  async toggle(page, ...services) {
    for (const service of services) await page.click(`label[for="service-item-${service}"]`)
  },
  save: (page) => page.click('.cm-btn-accept'),
  two: ['chaport', 'crisp'],
  clicks: 3,
  said: services(SERVICES),
  taken: (service) => ({ services: { [service]: false } }),
  scripted: '.cm-btn-accept',
  subject: (cookies) => JSON.parse(decodeURIComponent(cookies.find(({ name }) => name === 'klaro').value)).avow.split('.')[0],
}

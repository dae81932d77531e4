import { services } from './words.mjs'

/** The services it asks for, and the category of each in Avow's words. Marketing is asked for as a whole. */
const SERVICES = { chaport: 'preferences', crisp: 'preferences', matomo: 'statistics' }

export const vanilla = {
  name: 'vanilla-cookieconsent',
  path: '/vanilla-cookieconsent.html',
  services: Object.keys(SERVICES),
  accept: '.cm__btn[data-role=all]',
  reject: '.cm__btn[data-role=necessary]',
  /** Opens the second layer from the banner. */
  choose: (page) => page.click('.cm__btn[data-role=show]'),
  /** Opens the second layer from the page, after a choice. */
  reopen: (page) => page.click('#footer-settings'),
  async toggle(page, ...services) {
    for (const service of services) {
      const label = page.locator(`.pm__service label:has(input[value="${service}"])`)
      const section = page.locator('.pm__section--toggle', { has: label })
      const open = await section.evaluate(({ classList }) => classList.contains('is-expanded'))
      if (!open) await section.locator('.pm__section-title').click()
      await label.click()
    }
  },
  save: (page) => page.click('.pm__btn[data-role=save]'),
  /** Two things that are answered apart, and the clicks that it takes to grant the first: its services lie one click deeper. */
  two: ['chaport', 'crisp'],
  clicks: 4,
  /** What an event names when the visitor grants what `granted` says, and when she takes one thing back. */
  said: (granted) => {
    const { categories, ...rest } = services(SERVICES)(granted)
    return { categories: { necessary: true, ...categories, marketing: granted('marketing') }, ...rest }
  },
  taken: (service) => ({ services: { [service]: false } }),
  /** A button of the second layer that changes the choice, for a script to click. */
  scripted: '.pm__btn[data-role=necessary]',
  /** Where the cookie keeps the subject. */
  subject: (cookies) => JSON.parse(decodeURIComponent(cookies.find(({ name }) => name === 'cc_cookie').value)).consentId,
}

// How a person works each banner: the clicks, and what the banner calls the things that are answered.

/** Both pages offer the same services in the same categories; this is what they are in Avow's words. */
export const SERVICES = { chaport: 'preferences', crisp: 'preferences', matomo: 'statistics' }

const vanilla = {
  name: 'vanilla-cookieconsent',
  path: '/vanilla-cookieconsent.html',
  /** Named with every choice although nobody is asked: only this banner records it. */
  always: { necessary: true },
  services: ['chaport', 'crisp', 'matomo'],
  acceptAll: (page) => page.click('.cm__btn[data-role=all]'),
  rejectAll: (page) => page.click('.cm__btn[data-role=necessary]'),
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
  /** Where the cookie keeps the subject. */
  subject: (cookies) => JSON.parse(decodeURIComponent(cookies.find(({ name }) => name === 'cc_cookie').value)).consentId,
}

const klaro = {
  name: 'klaro',
  path: '/klaro.html',
  always: {},
  services: ['chaport', 'crisp', 'matomo', 'google-ads'],
  acceptAll: (page) => page.click('.cookie-notice .cm-btn-success'),
  rejectAll: (page) => page.click('.cookie-notice .cn-decline'),
  choose: (page) => page.click('.cn-learn-more'),
  reopen: (page) => page.click('#footer-settings'),
  async toggle(page, ...services) {
    for (const service of services) await page.click(`label[for="service-item-${service}"]`)
  },
  save: (page) => page.click('.cm-btn-accept'),
  subject: (cookies) => JSON.parse(decodeURIComponent(cookies.find(({ name }) => name === 'klaro').value)).avow.split('.')[0],
}

export const BANNERS = [vanilla, klaro]

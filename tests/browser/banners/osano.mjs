import { besides } from './words.mjs'

const said = (granted) => ({ categories: { preferences: granted, statistics: granted, marketing: granted } })

export const osano = {
  name: 'osano',
  path: '/osano.html',
  accept: '.cc-allow',
  reject: '.cc-deny',
  reopen: (page) => page.click('.cc-revoke'),
  /** One yes or no to everything: nothing is answered apart, and there is no second layer. */
  two: undefined,
  said: (granted) => said(granted('everything')),
  subject: besides,
}

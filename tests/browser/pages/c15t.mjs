// The banner of c15t.html: c15t's own components, without a back end of its own.

import { ConsentBanner, ConsentDialog, ConsentManagerProvider } from '@c15t/react'
import { policyPackPresets } from 'c15t'
import { createElement as h } from 'react'
import { createRoot } from 'react-dom/client'

// Query: extra (another policy since the last visit: its fingerprint is what c15t asks again for, not a category more).
const policy = { ...policyPackPresets.europeOptIn(), consent: { model: 'opt-in', expiryDays: 90 } }
const extra = new URLSearchParams(location.search).has('extra') ? { offlinePolicy: { policyPacks: [policy] } } : {}
const options = { mode: 'offline', consentCategories: ['necessary', 'functionality', 'measurement', 'marketing'], ...extra }
createRoot(document.getElementById('root')).render(h(ConsentManagerProvider, { options }, h(ConsentBanner), h(ConsentDialog)))

const store = () => window.c15tStore.getState()
document.getElementById('footer-settings').onclick = () => store().setActiveUI('dialog')
document.getElementById('own-accept').onclick = () => store().saveConsents('all')

// It is ready once its banner is there, or once it has found a choice.
const ready = () => {
  const { activeUI, consentInfo } = window.c15tStore?.getState() ?? {}
  const there = document.querySelector('[data-testid=consent-banner-root],[data-testid=consent-banner-card]')
  if (!(activeUI === 'banner' ? there : consentInfo)) return setTimeout(ready, 10)
  if (new URLSearchParams(location.search).has('grant') && !consentInfo) store().saveConsents('all')
  document.documentElement.dataset.ready = 'yes'
}
ready()

// `/beacon-vanilla-cookieconsent.js`: the beacon with vanilla-cookieconsent alone.

import { vanillaCookieConsent } from '../adapters/vanilla-cookieconsent.ts'
import { running } from './tag.ts'

vanillaCookieConsent(running)

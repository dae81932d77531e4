// `/beacon-consent-mode.js`: the beacon with a banner that is known by Google Consent Mode only.

import { consentModeBanner, DAYS } from '../adapters/consent-mode.ts'
import { running } from './tag.ts'
import { told } from './told.ts'

consentModeBanner(running, told(DAYS))

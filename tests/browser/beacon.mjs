// All tests of the beacon, in one process and with one Chromium. Each file also runs by itself.

import './beacon.again.test.mjs'
import './beacon.banners.test.mjs'
import './beacon.kept.test.mjs'
import './beacon.observe.test.mjs'
import './beacon.quirks.test.mjs'
import './beacon.signals.test.mjs'
import './beacon.tcf.test.mjs'
import './beacon.transport.test.mjs'

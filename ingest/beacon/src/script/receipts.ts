// `/beacon-receipts.js`: receipts for visitors who ask for them, for the beacon that runs in the page. That one fetches it where
// its tag has `data-receipts`.

import { receipts } from '../receipts.ts'

receipts((window as any).avow)

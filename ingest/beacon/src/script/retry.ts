// `/beacon-retry.js`: the queue that outlives a page, for the beacon that runs in it. That one fetches it where its tag has
// `data-retry`.

import { retry } from '../retry.ts'

retry((window as any).avow)

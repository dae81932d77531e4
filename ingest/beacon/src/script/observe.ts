// `/beacon-observe.js`: observation, for the beacon that runs in the page. That one fetches it where its tag has `data-observe`;
// in a page that pins its scripts it stands below the beacon's tag with `data-observe` of its own.

import { observe } from '../observe.ts'

const { observe: by = '', observeAfter } = document.currentScript!.dataset
observe((window as any).avow, by, +observeAfter! || undefined).catch(() => {}) // No answer: nothing is observed.

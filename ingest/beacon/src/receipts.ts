// A visitor's receipt, kept only if she asks for it by a button of the page's, `data-avow="receipt"`: until then it is in memory.
// With it she proves her choice and asks what is held of her.

import type { Beacon } from './core.ts'
import type { Receipt } from './event.ts'

const KEY = 'avow-receipt'
const BUTTON = '[data-avow=receipt]'

const offer = (text: string, id: string) => {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  link.download = `avow-receipt-${id.replace(/\W/g, '').slice(0, 8)}.json`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href))
}

/** Has the server sign receipts, and gives the newest of a choice to whoever asks. Start it before the first choice. */
export const receipts = ({ config }: Beacon) => {
  const { answered } = config
  let newest: Receipt | undefined

  const endpoint = new URL(config.endpoint, location.href)
  endpoint.searchParams.set('receipt', '1')
  config.endpoint = endpoint.href

  const keep = () => {
    if (newest) localStorage[KEY] = JSON.stringify(newest)
  }
  config.answered = (answer, events) => {
    answered?.(answer, events)
    for (const { id, type } of events)
      if (/^(decided|withdrawn)$/.test(type)) {
        newest = answer.receipts?.find((one) => one.id === id)?.receipt ?? newest
        // She asked for one before, so hers is to be that of her last choice.
        if (localStorage[KEY]) keep()
      }
  }

  // On the way up, and no further than the document: to a banner that waits for clicks at the window this is none.
  document.addEventListener('click', (click: MouseEvent & { target: any }) => {
    if (!click.isTrusted || !click.target.closest(BUTTON)) return
    click.preventDefault()
    click.stopPropagation()
    keep()
    const kept = localStorage[KEY]
    const receipt: Receipt | undefined = kept && JSON.parse(kept)
    if (receipt) offer(kept, receipt.id)
    // For the page, to say so where there is none.
    dispatchEvent(new CustomEvent('avow:receipt', { detail: receipt }))
  })
}

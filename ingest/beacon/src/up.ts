/** Calls `then`, once, when something that `selector` selects is there to be seen: for banners that tell nobody. */
export const up = (selector: string, then: () => void) => {
  const look = () => {
    if (![...document.querySelectorAll(selector)].some((one) => one.getClientRects()[0])) return
    observer.disconnect()
    then()
  }
  const observer = new MutationObserver(look)
  observer.observe(document, { subtree: true, childList: true, attributes: true })
  look()
}

/**
 * Calls `then` with what `find` finds, once: now, or after a script has loaded or the document is parsed. Most banners tell
 * nobody that they have come.
 */
export const arrival = <T>(find: () => T | undefined | false, then: (found: T) => void) => {
  let done = false
  const look = () => {
    const found = !done && find()
    if (!found) return
    done = true
    then(found)
  }
  look()
  document.addEventListener('load', look, true)
  document.addEventListener('readystatechange', look)
}

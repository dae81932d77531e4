// Which of the catalogue's names something in the page goes by: the rules of `schemas/src/catalog/matching.rs`, held together by
// the cases in `matching.json` beside it. One expression for each list, since a page may have many cookies.

/** Where a cookie's name begins to match: it has to match as a whole. */
export const COOKIE = '^'
/** Where a host does: a domain stands for itself and for everything below it. */
export const HOST = '(^|\\.)'

/** Matches what one of `names` stands for, in which `*` is one or more characters. Hosts come as `URL` gives them. */
export const anyOf = (names: string[], from: string) => {
  const patterns = names.map((name) => name.replace(/\W/g, (one) => (one === '*' ? '[^]+' : '\\' + one)))
  return RegExp(`${from}(${patterns.join('|')})$`)
}

// Random identifiers from `crypto.getRandomValues`, which, unlike `crypto.randomUUID`, is there on plain http too.

const random = () =>
  crypto.getRandomValues(new Uint8Array(16)).reduce((hex, byte) => hex + (byte + 256).toString(16).slice(1), '')

/** A UUID (RFC 9562, section 4) that begins with the hex digits of `head` and goes on at random, 60 bits of it at least. */
const uuid = (head: string, version: number) =>
  (head + random()).replace(/(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, `$1-$2-${version}$3-a$4-$5`)

let last = 0

/**
 * An event's id: UUIDv7 (RFC 9562, section 5.7). Of two ids of one page the later sorts after, also within one
 * millisecond: the clock is then taken a millisecond ahead.
 */
export const eventId = () => uuid('0' + (last = Math.max(Date.now(), last + 1)).toString(16), 7)

/** A subject or a page view: UUIDv4, so that it says nothing, not even when it was made. */
export const randomId = () => uuid('', 4)

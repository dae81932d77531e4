// The cookie `avow`, for banners whose own record has no room: the subject and the id of the last event, `subject.id`. It is
// written with a choice, never before, lasts as long as the choice, and is read only where the banner has a choice stored.

/** @returns the subject and the last event's id */
export const recall = () => (/(?:^|; )avow=([^;]*)/.exec(document.cookie)?.[1] ?? '').split('.')

/** Keeps what `chosen` returned until then, in milliseconds since 1970: as long as the banner keeps the choice. */
export const keep = (kept: [string, string] | undefined, until: number) => {
  if (!kept) return
  const secure = location.protocol === 'https:' ? ';secure' : ''
  document.cookie = `avow=${kept.join('.')};path=/;expires=${new Date(until).toUTCString()};samesite=lax${secure}`
}

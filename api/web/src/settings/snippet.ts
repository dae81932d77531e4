// The line that connects a page: the beacon, told which site it speaks for.

/** `site` is an identifier that the server accepted; it is escaped all the same, since it is shown to be copied. */
export function snippetFor(origin: string, site: string): string {
  const escaped = site.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return `<script src="${origin}/beacon.js" data-site="${escaped}" defer></` + 'script>';
}

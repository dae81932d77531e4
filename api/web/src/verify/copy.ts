// A copy of this page for the disk, taken before anything is drawn into it.
let blank = '';

/** Call once, before the first render. Also clears what a browser's own "save page" has kept of an earlier one. */
export function takeCopy(target: HTMLElement): void {
  target.replaceChildren();
  blank = `<!doctype html>\n${document.documentElement.outerHTML}\n`;
}

/** The copy's address, for a link. */
export const copyAddress = (): string => URL.createObjectURL(new Blob([blank], { type: 'text/html' }));

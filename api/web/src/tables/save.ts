// Handing a file to the reader without a request: a blob under a temporary address.

export function saveBlob(name: string, blob: Blob): void {
  const href = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = href;
  link.download = name;
  link.click();
  // The browser has the blob once the click is handled; a minute is more than it needs.
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

export function saveText(name: string, type: string, text: string): void {
  saveBlob(name, new Blob([text], { type }));
}

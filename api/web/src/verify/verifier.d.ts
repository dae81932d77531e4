/** The verifier's WebAssembly, gzip, base64. */
declare module 'virtual:verifier' {
  const text: string;
  export default text;
}

/** What a worker reads files with (W3C File API); the page's own library of types has it for workers alone. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

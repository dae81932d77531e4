// The files of a bundle, out of its zip.

import { inflateRawSync } from 'node:zlib'

/** @returns {Map<string, Buffer>} by name */
export const unzipped = (zip) => {
  const files = new Map()
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  for (let at = zip.readUInt32LE(end + 16), rest = zip.readUInt16LE(end + 10); rest > 0; rest--) {
    const [packed, nameLength, extra, comment] = [zip.readUInt32LE(at + 20), zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32)]
    const local = zip.readUInt32LE(at + 42)
    const begin = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const bytes = zip.subarray(begin, begin + packed)
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength)
    files.set(name, zip.readUInt16LE(at + 10) === 8 ? inflateRawSync(bytes) : bytes)
    at += 46 + nameLength + extra + comment
  }
  return files
}

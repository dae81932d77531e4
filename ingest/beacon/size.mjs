// Prints the gzip size of each bundle, and fails if one is over its limit: a banner must not wait for its beacon.

import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

/** Limits in bytes, gzip level 9. The script tag's bundle is the core, both adapters and its own configuration. */
const LIMITS = {
  'dist/beacon.mjs': 2000,
  'dist/vanilla-cookieconsent.mjs': 600,
  'dist/klaro.mjs': 600,
  'dist/beacon.js': 3200,
}

for (const [file, limit] of Object.entries(LIMITS)) {
  const bytes = gzipSync(readFileSync(file), { level: 9 }).length
  console.log(`${file.padEnd(34)} ${String(bytes).padStart(5)} of ${limit} bytes gzip`)
  if (bytes > limit) process.exitCode = 1
}

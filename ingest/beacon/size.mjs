// Prints gzip sizes, and fails if one is over its limit: a banner must not wait for its beacon. An adapter never travels
// without the core, so its size is what it adds to a bundle of the core.

import { build } from 'esbuild'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { common } from './build.mjs'

const CORE = `export { start } from './src/index.ts'`

const gzip = (contents) => gzipSync(contents, { level: 9 }).length

const bundled = async (contents) => {
  const { outputFiles } = await build({ ...common, stdin: { contents, resolveDir: '.' }, format: 'esm', write: false })
  return gzip(outputFiles[0].contents)
}

const core = await bundled(CORE)
const adds = async (adapter) => (await bundled(`${CORE}; export * from './src/adapters/${adapter}.ts'`)) - core

/** Limits in bytes, gzip level 9. The script tag's bundle is the core, both adapters and its own configuration. */
const sizes = [
  ['core', core, 2048],
  ['vanilla-cookieconsent adds', await adds('vanilla-cookieconsent'), 614],
  ['klaro adds', await adds('klaro'), 614],
  ['dist/beacon.js', gzip(readFileSync('dist/beacon.js')), 3400],
]

for (const [name, bytes, limit] of sizes) {
  console.log(`${name.padEnd(28)} ${String(bytes).padStart(5)} of ${limit} bytes gzip`)
  if (bytes > limit) process.exitCode = 1
}

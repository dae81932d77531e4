// Limits of what travels, gzip level 9: a banner must not wait for its beacon. An adapter never travels without the core, so its
// limit is on the two together: the core's, and 614 bytes (0.6 kB) more.

import { build } from 'esbuild'
import { adapters, additions, beside as fetched, common, scripts } from './build.mjs'

const CORE = 2048
const ADAPTER = 614
/** A script for a tag holds the core, an adapter, signals, page views and its own configuration; `beacon.js` two adapters. */
const SCRIPT = 3900
const AUTO = 4200
/** A script that only some pages fetch. */
const FETCHED = 1024

const CACHE = 'node_modules/.cache/avow-beacon/size'

const bundled = async (name, ...modules) => {
  const contents = [`export { start } from './src/index.ts'`, ...modules.map((path) => `export * from './src/${path}.ts'`)].join(';')
  await build({ ...common, stdin: { contents, resolveDir: '.' }, format: 'esm', outfile: `${CACHE}/${name}.mjs` })
  return `${CACHE}/${name}.mjs`
}
const limited = (name, path, limit) => ({ name, path, limit: `${limit} B`, gzip: true })
const beside = async (name, path) => limited(`core and ${name}`, await bundled(name, path), CORE + ADAPTER)

export default [
  limited('core', await bundled('core'), CORE),
  ...(await Promise.all(adapters.map((name) => beside(name, `adapters/${name}`)))),
  ...(await Promise.all(additions.filter((name) => !fetched.includes(name)).map((name) => beside(name, name)))),
  limited('beacon.js', 'dist/beacon.js', AUTO),
  ...scripts.map((name) => limited(`beacon-${name}.js`, `dist/beacon-${name}.js`, SCRIPT)),
  ...fetched.map((name) => limited(`beacon-${name}.js`, `dist/beacon-${name}.js`, FETCHED)),
]

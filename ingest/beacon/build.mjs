// Bundles the beacon: `dist/beacon.js` for a script tag, modules for bundlers; with `--tests`, the unit tests.
// Types come from `tsc`, which also checks them.

import { build } from 'esbuild'
import { readdirSync } from 'node:fs'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'

/** How everything for the browser is built. */
export const common = { bundle: true, minify: true, target: 'es2021', legalComments: 'none', logLevel: 'warning' }

const bundles = [
  { entry: 'src/auto.ts', outfile: 'dist/beacon.js', format: 'iife' },
  { entry: 'src/index.ts', outfile: 'dist/beacon.mjs', format: 'esm' },
  { entry: 'src/adapters/vanilla-cookieconsent.ts', outfile: 'dist/vanilla-cookieconsent.mjs', format: 'esm' },
  { entry: 'src/adapters/klaro.ts', outfile: 'dist/klaro.mjs', format: 'esm' },
]

const buildDist = () =>
  Promise.all(bundles.map(({ entry, ...to }) => build({ ...common, ...to, entryPoints: [entry] })))

const buildTests = () =>
  build({
    ...common, minify: false, platform: 'node', target: 'node20', format: 'esm',
    entryPoints: readdirSync('test').filter((name) => name.endsWith('.test.ts')).map((name) => `test/${name}`),
    outdir: 'node_modules/.cache/avow-beacon', outExtension: { '.js': '.mjs' },
  })

if (argv[1] === fileURLToPath(import.meta.url)) await (argv[2] === '--tests' ? buildTests() : buildDist())

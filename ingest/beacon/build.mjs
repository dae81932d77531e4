// Bundles the beacon: for a script tag `dist/beacon.js`, which fits whichever banner turns up, and `beacon-<banner>.js` for one
// banner each; modules for bundlers; with `--tests`, the unit tests. Types come from `tsc`, which also checks them.

import { build } from 'esbuild'
import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'

/** How everything for the browser is built. */
export const common = { bundle: true, minify: true, target: 'es2021', legalComments: 'none', logLevel: 'warning' }

const names = (folder) => readdirSync(folder).filter((name) => name.endsWith('.ts')).map((name) => basename(name, '.ts'))

/** What `src/script/` shares among its scripts. */
const SHARED = ['arrival', 'tag', 'told']

/** Scripts that are fetched from beside the beacon where its tag asks for them. */
export const beside = ['observe', 'receipts', 'retry']
/** Banners with a script of their own. */
export const scripts = names('src/script').filter((name) => name !== 'auto' && ![...SHARED, ...beside].includes(name))
/** Banners with a module. */
export const adapters = names('src/adapters')
/** Modules beside the banners'. */
export const additions = ['loaded', 'signals', 'told', ...beside]

const script = (name, outfile) => build({ ...common, entryPoints: [`src/script/${name}.ts`], outfile, format: 'iife' })
const module = (entry, name) => build({ ...common, entryPoints: [entry], outfile: `dist/${name}.mjs`, format: 'esm' })

const buildDist = () =>
  Promise.all([
    script('auto', 'dist/beacon.js'),
    ...[...scripts, ...beside].map((name) => script(name, `dist/beacon-${name}.js`)),
    module('src/index.ts', 'beacon'),
    ...adapters.map((name) => module(`src/adapters/${name}.ts`, name)),
    ...additions.map((name) => module(`src/${name}.ts`, name)),
  ])

const buildTests = () =>
  build({
    ...common, minify: false, platform: 'node', target: 'node20', format: 'esm',
    entryPoints: readdirSync('test').filter((name) => name.endsWith('.test.ts')).map((name) => `test/${name}`),
    outdir: 'node_modules/.cache/avow-beacon', outExtension: { '.js': '.mjs' },
  })

if (argv[1] === fileURLToPath(import.meta.url)) await (argv[2] === '--tests' ? buildTests() : buildDist())

// Bundles the beacon: `dist/beacon.js` for a script tag, modules for bundlers; with `--tests`, the unit tests.
// Types come from `tsc`, which also checks them.

import { build } from 'esbuild'
import { readdirSync } from 'node:fs'

const common = { bundle: true, minify: true, target: 'es2021', legalComments: 'none', logLevel: 'warning' }

/** Everything that `dist/` holds, less the types. */
export const bundles = [
  { in: 'src/auto.ts', out: 'dist/beacon.js', format: 'iife' },
  { in: 'src/index.ts', out: 'dist/beacon.mjs', format: 'esm' },
  { in: 'src/adapters/vanilla-cookieconsent.ts', out: 'dist/vanilla-cookieconsent.mjs', format: 'esm' },
  { in: 'src/adapters/klaro.ts', out: 'dist/klaro.mjs', format: 'esm' },
]

if (process.argv[2] === '--tests') {
  const tests = readdirSync('test').filter((name) => name.endsWith('.test.ts')).map((name) => `test/${name}`)
  await build({
    ...common, minify: false, entryPoints: tests, outdir: 'node_modules/.cache/avow-beacon', format: 'esm',
    outExtension: { '.js': '.mjs' }, platform: 'node', target: 'node20',
  })
} else {
  await Promise.all(bundles.map(({ in: entry, out, format }) => build({ ...common, entryPoints: [entry], outfile: out, format })))
}

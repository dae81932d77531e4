// Writes `.br` and `.gz` beside every file of the build, so that the server never compresses the page at run time.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** Smaller ones fit into the same packet either way. */
const SMALLEST = 400;

/** Of the whole build, or of one file of it. */
export function compress(only?: string): Plugin {
  let folder = '';
  return {
    name: 'avow-compress',
    apply: 'build',
    configResolved: ({ root, build }) => {
      folder = join(root, build.outDir);
    },
    closeBundle: () => {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (only !== undefined && name !== only) continue;
        const path = join(folder, name);
        if (!/\.(?:css|html|js|svg)$/.test(name) || statSync(path).size < SMALLEST) continue;
        const bytes = readFileSync(path);
        writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

// What makes one file of a page: the verifier as text within the script, script and style within the document, and a
// Content-Security-Policy that names just these and allows no request.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** What `crates/verify-wasm/build.sh` makes. */
const VERIFIER = new URL('../../target/wasm/avow_verify.wasm', import.meta.url);

/** `virtual:verifier`: the verifier's WebAssembly, gzip, base64. */
export function verifier(): Plugin {
  const id = 'virtual:verifier';
  return {
    name: 'avow-verifier',
    resolveId: (asked) => (asked === id ? `\0${id}` : null),
    load: (asked) => {
      if (asked !== `\0${id}`) return null;
      const wasm = gzipSync(readFileSync(VERIFIER), { level: 9 });
      return `export default ${JSON.stringify(wasm.toString('base64'))};`;
    },
  };
}

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const policy = (script: string, style: string) =>
  [
    "default-src 'none'",
    `script-src ${hash(script)} 'wasm-unsafe-eval'`,
    `style-src ${hash(style)}`,
    'img-src data:',
    'worker-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

/** Puts the one script and the one style of a document into it. */
export function inline(document: string): Plugin {
  return {
    name: 'avow-inline',
    apply: 'build',
    enforce: 'post',
    generateBundle: (_, bundle) => {
      const html = bundle[document];
      if (html?.type !== 'asset') throw new Error(`${document} was not built`);
      let [script, style] = ['', ''];
      for (const [name, file] of Object.entries(bundle)) {
        if (file.type === 'chunk') script += file.code;
        else if (name.endsWith('.css')) style += String(file.source);
        else continue;
        delete bundle[name];
      }
      // A script ends at the first `</script`, whatever it means there.
      script = script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
      const bare = String(html.source).replace(/\s*<script type="module"[^>]*><\/script>/, '').replace(/\s*<link rel="stylesheet"[^>]*>/, '');
      const head = `<meta http-equiv="Content-Security-Policy" content="${policy(script, style)}">`;
      html.source = bare
        .replace('<meta charset="utf-8" />', (charset) => `${charset}\n    ${head}`)
        .replace('</head>', (end) => `  <style>${style}</style>\n  ${end}`)
        .replace('</body>', (end) => `  <script type="module">${script}</script>\n  ${end}`);
    },
  };
}

// How the page is built: Svelte, the message compiler, and an output that a strict Content-Security-Policy accepts
// (no inline scripts, no data: URLs, hashed names under /assets/).
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { compress } from './compress.ts';
import { messages } from './messages.ts';

// Where `npm run dev` finds a running server.
const server = process.env.AVOW_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [
    messages(),
    svelte(),
    compress(),
  ],
  server: {
    proxy: { '/api': server, '/v1': server, '/beacon': server },
  },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      checks: { pluginTimings: false },
      // What every visit loads is one file: over HTTP/1.1 a browser takes six at a time, and each waits for its turn.
      output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } },
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});

// How `/verify` is built: one file that holds everything, so that a copy on disk works without a network. Built after the
// page (vite.config.ts), into the same folder.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { messages } from './messages.ts';
import { inline, verifier } from './inline.ts';
import { compress } from './compress.ts';

export default defineConfig({
  plugins: [messages(), svelte(), verifier(), inline('verify.html'), compress('verify.html')],
  worker: { format: 'iife' },
  build: {
    target: 'es2022',
    emptyOutDir: false,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: { input: 'verify.html', checks: { pluginTimings: false } },
  },
});

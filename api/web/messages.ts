// The message compiler, as every build of this folder uses it.
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import type { PluginOption } from 'vite';

export const messages = (): PluginOption =>
  paraglideVitePlugin({
    project: './project.inlang',
    outdir: './src/paraglide',
    strategy: ['baseLocale'],
    emitGitIgnore: false,
    emitReadme: false,
    emitPrettierIgnore: false,
    isServer: 'false',
  }) as PluginOption;

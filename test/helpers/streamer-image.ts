/**
 * The streamer as its image has it: built by the flags of streamer/Dockerfile, run with the options and variables that it
 * sets. Run from its sources, Node would load its compiler of types too, which is no part of what is deployed and larger than
 * the streamer.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

function dockerfile(): string {
  return readFileSync(`${root}streamer/Dockerfile`, 'utf8');
}

/** For esbuild; entry points and output are the caller's. */
export function imageBuild(): BuildOptions {
  const text = dockerfile();
  return {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minifyWhitespace: text.includes('--minify-whitespace'),
    minifySyntax: text.includes('--minify-syntax'),
    sourcemap: true,
    sourcesContent: !text.includes('--sources-content=false'),
    mainFields: ['module', 'main'],
    banner: { js: /--banner:js="([^"]*)"/.exec(text)?.[1] ?? '' },
    logLevel: 'silent',
  };
}

export interface ImageRuntime {
  /** Options of Node on the image's command. */
  readonly nodeOptions: readonly string[];
  /** Variables for Node and for the allocator. */
  readonly environment: Readonly<Record<string, string>>;
}

export function imageRuntime(): ImageRuntime {
  const text = dockerfile();
  const command = JSON.parse(/^CMD (\[.*\])$/m.exec(text)?.[1] ?? '[]') as string[];
  const variables = [...text.matchAll(/\b(NODE_OPTIONS|MALLOC_\w+)=(\S+)/g)];
  return {
    nodeOptions: command.slice(1, command.indexOf('main.mjs')),
    environment: Object.fromEntries(variables.map(([, name = '', value = '']) => [name, value])),
  };
}

/**
 * The streamer as its image has it: one bundle, by the flags of streamer/Dockerfile. Run from its sources, Node would
 * load its compiler of types too, which is no part of what is deployed and larger than the streamer.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Bundles {
  readonly main: string;
  readonly preload: string;
}

const sources = {
  main: fileURLToPath(new URL('../../streamer/main.ts', import.meta.url)),
  preload: fileURLToPath(new URL('./streamer-preload.ts', import.meta.url)),
};

export async function bundleStreamer(folder: string): Promise<Bundles> {
  await build({
    entryPoints: sources,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    sourcemap: true,
    banner: {
      js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  return { main: join(folder, 'main.mjs'), preload: join(folder, 'preload.mjs') };
}

/** What the image starts Node with. */
export function nodeOptionsOfImage(): string {
  const dockerfile = readFileSync(new URL('../../streamer/Dockerfile', import.meta.url), 'utf8');
  return /NODE_OPTIONS=(?:"([^"]*)"|(\S+))/.exec(dockerfile)?.slice(1).find(Boolean) ?? '';
}

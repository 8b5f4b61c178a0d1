/** The streamer's bundle as its image has it, and beside it what gives its process the simulated clock. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { imageBuild } from '../helpers/streamer-image.ts';

const preload = fileURLToPath(new URL('./streamer-preload.ts', import.meta.url));

export interface Bundles {
  readonly main: string;
  readonly preload: string;
}

export async function bundleStreamer(folder: string): Promise<Bundles> {
  await build({
    ...imageBuild(),
    entryPoints: { main: 'streamer/main.ts', preload },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
  });
  return { main: join(folder, 'main.mjs'), preload: join(folder, 'preload.mjs') };
}

/** Bundles every Lambda by one esbuild call. Runs at synth, so that what is deployed is what the sources say. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The functions that the stack deploys, each a folder of `functions/` with a `handler.ts`. */
export const functionNames = [
  'alerts',
  'apply-plan',
  'archive',
  'backup',
  'book-keeper',
  'candle-keeper',
  'drill',
  'reconcile',
  'watchdog',
] as const;

export type FunctionName = (typeof functionNames)[number];

/** Above this a function starts too slowly. */
export const bundleBytesMax = 600 * 1024;

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Bundle {
  /** Folder that holds `index.mjs` and its source map. */
  readonly folder: string;
  /** Size of `index.mjs`. */
  readonly bytes: number;
}

/** A function has grown too large. Nothing was deployed. */
export class BundleTooLargeError extends Error {
  override readonly name = 'BundleTooLargeError';
  readonly code = 'BUNDLE_TOO_LARGE';

  constructor(name: FunctionName, bytes: number) {
    super(
      `BUNDLE_TOO_LARGE: The function ${name} has ${kib(bytes)}, the limit is ${kib(bundleBytesMax)}; nothing was deployed. ` +
        'Look at what its handler imports: one import can bring in a whole library.',
    );
  }
}

/**
 * Bundles the functions into `dist/functions/<name>/index.mjs`.
 *
 * @throws BundleTooLargeError when one is above its limit
 */
export function bundleFunctions(outdir: string = join(root, 'dist/functions')): Record<FunctionName, Bundle> {
  const program = fileURLToPath(new URL('bundle-run.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, outdir], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The functions cannot be bundled; nothing was deployed.\n${stderr}`);
  const sizes = JSON.parse(stdout) as Partial<Record<FunctionName, number>>;
  const bundle = (name: FunctionName): Bundle => {
    const bytes = sizes[name] ?? 0;
    if (bytes > bundleBytesMax) throw new BundleTooLargeError(name, bytes);
    return { folder: join(outdir, name), bytes };
  };
  return Object.fromEntries(functionNames.map((name) => [name, bundle(name)])) as Record<
    FunctionName,
    Bundle
  >;
}

/** `310 KiB` */
export function kib(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`;
}

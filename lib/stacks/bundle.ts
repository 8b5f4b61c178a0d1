/** Bundles every Lambda by one esbuild call. Runs at synth, so that what is deployed is what the sources say. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

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
const bundleBytesMax = 600 * 1024;

/** Reconcile speaks to four services (tables, buckets, queues, bus), and nobody waits for its start: it asks the broker. */
const largeBundleBytesMax = 720 * 1024;

/** The most that a function's bundle may have. */
export function bundleLimit(name: FunctionName): number {
  return name === 'reconcile' ? largeBundleBytesMax : bundleBytesMax;
}

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
      `BUNDLE_TOO_LARGE: The function ${name} has ${kib(bytes)}, the limit is ${kib(bundleLimit(name))}; nothing was deployed. ` +
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
  const built = buildSync({
    absWorkingDir: root,
    entryPoints: functionNames.map((name) => ({ in: `functions/${name}/handler.ts`, out: `${name}/index` })),
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    // Stack traces name the source's line; the sources themselves stay out of the package.
    sourcemap: true,
    sourcesContent: false,
    // A function gets its credentials from its environment; the SDK's default would bring in every other way to them
    // (profiles, single sign-on, web identity) and the clients that those need: 80 KiB of each function.
    alias: { '@aws-sdk/credential-provider-node': './lib/aws/environment-credentials.ts' },
    // The SDK's ES modules first: they can be shaken, which its CommonJS cannot.
    mainFields: ['module', 'main'],
    // Some CommonJS inside still calls `require` for Node's own modules.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    legalComments: 'none',
    logLevel: 'warning',
  });
  for (const file of built.outputFiles) writeIfChanged(file.path, file.contents);
  const sizes = new Map(
    built.outputFiles.map((file) => [relative(outdir, file.path), file.contents.byteLength]),
  );
  const bundle = (name: FunctionName): Bundle => {
    const bytes = sizes.get(join(name, 'index.mjs')) ?? 0;
    if (bytes > bundleLimit(name)) throw new BundleTooLargeError(name, bytes);
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

/** Whole files only: two synths at once must not see half of the other's. */
function writeIfChanged(path: string, contents: Uint8Array): void {
  if (existsSync(path) && readFileSync(path).equals(contents)) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}

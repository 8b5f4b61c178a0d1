/**
 * The esbuild call of bundle.ts, in a process of its own: a synth is synchronous, and esbuild takes plugins only when it
 * is not. Argument: the folder to write to. Standard output: the bytes of each bundle, as JSON.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { functionNames } from './bundle.ts';
import { leanModules } from './lean-modules.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const outdir = process.argv[2] ?? '';

const built = await build({
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
  alias: {
    '@aws-sdk/credential-provider-node': './lib/aws/environment-credentials.ts',
    '@aws-sdk/endpoint-cache': './lib/aws/no-endpoint-cache.ts',
    '@smithy/core/event-streams': './lib/aws/no-event-streams.ts',
  },
  plugins: [leanModules],
  // The SDK's ES modules first: they can be shaken, which its CommonJS cannot.
  mainFields: ['module', 'main'],
  // Some CommonJS inside still calls `require` for Node's own modules.
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  legalComments: 'none',
  logLevel: 'warning',
});
for (const file of built.outputFiles) writeIfChanged(file.path, file.contents);
const sizes = built.outputFiles
  .filter(({ path }) => path.endsWith('.mjs'))
  .map((file) => [relative(outdir, file.path).split(sep)[0], file.contents.byteLength]);
process.stdout.write(JSON.stringify(Object.fromEntries(sizes)));

/** Whole files only: two synths at once must not see half of the other's. */
function writeIfChanged(path: string, contents: Uint8Array): void {
  if (existsSync(path) && readFileSync(path).equals(contents)) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}

/**
 * Modules of libraries as the functions need them, which is less than there is: what stays in a bundle is read and
 * compiled at each cold start.
 */
import { readFileSync } from 'node:fs';
import { build, type Plugin } from 'esbuild';
import { plainKeys } from './plain-keys.ts';

/** A module's text in its leaner form. */
type Leaner = (path: string) => string | Promise<string>;

const leaner: readonly { readonly filter: RegExp; readonly of: Leaner; readonly loader: 'js' | 'json' }[] = [
  {
    filter: /@aws-sdk[/\\]client-[\w-]+[/\\]dist-es[/\\]schemas[/\\]schemas_0\.js$/,
    of: (path) => plainKeys(readFileSync(path, 'utf8')),
    loader: 'js',
  },
  {
    // A client asks its own package.json for its version, and esbuild would keep the list of scripts and dependencies.
    filter: /@aws-sdk[/\\]client-[\w-]+[/\\]package\.json$/,
    of: (path) => versionAlone(readFileSync(path, 'utf8')),
    loader: 'json',
  },
  {
    // Every schema of zod can tell itself as JSON Schema, which the documentation and the synth want and no function does.
    filter: /zod[/\\]v4[/\\]core[/\\](to-json-schema|json-schema-processors)\.js$/,
    of: (path) => throwing(path, 'zod as JSON Schema'),
    loader: 'js',
  },
  {
    // Hashes in JavaScript, for a Node without OpenSSL; Lambda's has it.
    filter: /(@smithy[/\\]core|@aws-sdk[/\\]checksums)[/\\].*[/\\](Sha256|Sha1|Md5)Js\.js$/,
    of: (path) => throwing(path, 'a hash without OpenSSL'),
    loader: 'js',
  },
];

export const leanModules: Plugin = {
  name: 'lean-modules',
  setup: (bundling) => {
    for (const { filter, of, loader } of leaner)
      bundling.onLoad({ filter }, async ({ path }) => ({ contents: await of(path), loader }));
  },
};

/** A package.json with nothing but its version. */
export function versionAlone(packageJson: string): string {
  const { version } = JSON.parse(packageJson) as { readonly version: string };
  return JSON.stringify({ version });
}

/** A module with the exports of that one, each a function that says it has been left out. */
export async function throwing(path: string, what: string): Promise<string> {
  const { metafile } = await build({
    entryPoints: [path],
    outdir: '/',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const names = Object.values(metafile.outputs).flatMap((output) => output.exports);
  const message =
    `LEFT_OUT_OF_BUNDLE: The function asks a library for something that its bundle leaves out: ${what}. ` +
    'What it was about was not done. Take it out of lib/stacks/lean-modules.ts.';
  return [
    `function leftOut() { throw new Error(${JSON.stringify(message)}); }`,
    `export { ${names.map((name) => `leftOut as ${name}`).join(', ')} };`,
  ].join('\n');
}

/** The page's files, made in memory when the command starts: no build step, nothing on the disk. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  /** The same, compressed. */
  readonly gzip: Buffer;
}

const folder = fileURLToPath(new URL('../page', import.meta.url));

/** `/`, `/page.js`, `/page.css`, `/icon.svg` */
export async function bundlePage(): Promise<ReadonlyMap<string, PageFile>> {
  const [html, icon, built] = await Promise.all([
    readFile(`${folder}/index.html`),
    readFile(`${folder}/icon.svg`),
    build({
      entryPoints: [
        { in: `${folder}/main.tsx`, out: 'page' },
        { in: `${folder}/style.css`, out: 'page' },
      ],
      outdir: folder,
      bundle: true,
      write: false,
      minify: true,
      format: 'esm',
      target: 'es2022',
      platform: 'browser',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      legalComments: 'none',
      define: { 'process.env.NODE_ENV': '"production"' },
      logLevel: 'silent',
    }),
  ]);
  const made = (ending: string) => built.outputFiles.find(({ path }) => path.endsWith(ending))?.contents;
  return new Map([
    ['/', file('text/html; charset=utf-8', html)],
    ['/icon.svg', file('image/svg+xml', icon)],
    ['/page.js', file('text/javascript; charset=utf-8', made('.js'))],
    ['/page.css', file('text/css; charset=utf-8', made('.css'))],
  ]);
}

function file(type: string, contents: Uint8Array = new Uint8Array()): PageFile {
  const body = Buffer.from(contents);
  return { type, body, gzip: gzipSync(body) };
}

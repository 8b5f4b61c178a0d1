import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { readableStack } from '../../../streamer/readable-stack.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-stack-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the stack of an unexpected error', () => {
  it('names the lines of the sources in a bundle with its map beside it, whatever that was built like', () => {
    writeFileSync(
      join(folder, 'part.ts'),
      'export type T = 1;\n\nexport const fail = (): never => {\n  throw new Error("no");\n};\n',
    );
    writeFileSync(
      join(folder, 'main.ts'),
      "import { fail } from './part.ts';\nexport const run = () => fail();\n",
    );
    const outfile = join(folder, 'main.mjs');
    buildSync({
      entryPoints: [join(folder, 'main.ts')],
      outfile,
      bundle: true,
      format: 'esm',
      minify: true,
      sourcemap: true,
      sourcesContent: false,
    });
    // In a process of its own: the test runner maps stacks by itself.
    const { stdout } = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { run } from ${JSON.stringify(pathToFileURL(outfile).href)};
         import { readableStack } from ${JSON.stringify(new URL('../../../streamer/readable-stack.ts', import.meta.url).href)};
         try { run(); } catch (error) { console.log(JSON.stringify([error.stack, readableStack(error)])); }`,
      ],
      { encoding: 'utf8' },
    );
    const [plain, readable] = JSON.parse(stdout) as [string, string];
    expect(plain).toContain('main.mjs:1:');
    expect(readable.split('\n').slice(0, 3)).toEqual([
      'Error: no',
      expect.stringMatching(/^ +at .*part\.ts:4:9\)?$/),
      expect.stringMatching(/^ +at .*main\.ts:2:26\)?$/),
    ]);
  });

  it('is as it was without a map, and in an error that has none', () => {
    const error = new Error('no map here');
    expect(readableStack(error)).toBe(error.stack);
    const bare = new Error('bare');
    delete bare.stack;
    expect(readableStack(bare)).toBe('bare');
  });
});

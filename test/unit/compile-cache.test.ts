import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../helpers/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-compiled-'));
const program = join(folder, 'program.ts');
afterAll(() => rmSync(folder, { recursive: true }));

writeFileSync(
  program,
  `import { getCompileCacheDir } from 'node:module';
const told: { at: string | null; children: string | null } = {
  at: getCompileCacheDir() ?? null,
  children: process.env.NODE_COMPILE_CACHE ?? null,
};
process.stdout.write(JSON.stringify(told));`,
);

/** What a program that starts as all do knows of the cache. */
async function told(env: Readonly<Record<string, string>>) {
  const node = ['--import', './bin/require-node-24.mjs'];
  const { code, stdout, stderr } = await run(program, [], env, { node });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as { readonly at: string | null; readonly children: string | null };
}

describe('the compile cache', () => {
  it('lies in the checkout, not where others may write, and what a program starts uses it as well', async () => {
    const own = fileURLToPath(new URL('../../node_modules/.cache/evenkeel-compiled', import.meta.url));
    const { at, children } = await told({ NODE_COMPILE_CACHE: '' });
    expect(at).toContain(own);
    expect(children).toBe(own);
  });

  it('lies where NODE_COMPILE_CACHE says', async () => {
    const chosen = join(folder, 'chosen');
    expect((await told({ NODE_COMPILE_CACHE: chosen })).at).toContain(chosen);
    expect(readdirSync(chosen)).not.toEqual([]);
  });

  it('where its folder cannot be made, a program starts all the same', async () => {
    expect((await told({ NODE_COMPILE_CACHE: join(program, 'no-folder') })).at).toBeNull();
  });

  it('is left alone where it is turned off, and where coverage is measured', async () => {
    expect((await told({ NODE_DISABLE_COMPILE_CACHE: '1' })).at).toBeNull();
    expect(
      (await told({ NODE_COMPILE_CACHE: '', NODE_V8_COVERAGE: join(folder, 'coverage') })).at,
    ).toBeNull();
  });
});

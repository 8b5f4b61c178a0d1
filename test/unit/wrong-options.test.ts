/** Whoever mistypes an option of a program is told so with exit code 2, as docs/cli.md says of wrong input. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

function run(program: string, ...args: readonly string[]): Promise<{ code: number | null; err: string }> {
  const child = spawn(process.execPath, [`${root}${program}`, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, err })));
}

it.each([
  ['bin/sandbox.ts', '--freshh', '(Did you mean --fresh?)'],
  ['bin/cost.ts', '--symbol', '(Did you mean --symbols?)'],
  ['test/chaos/main.ts', '--minute', 'There is no option --minute. Did you mean --minutes?'],
  ['test/simulation/main.ts', '--sed', 'There is no option --sed. Did you mean --seed?'],
])('%s %s', async (program, option, words) => {
  const { code, err } = await run(program, option, '3');
  expect(err).toContain(words);
  expect(code, err).toBe(2);
});

it('help is no wrong input', async () => {
  expect(await run('bin/cost.ts', '--help')).toMatchObject({ code: 0 });
});

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logParts } from '../../../bin/evenkeel/logs.ts';
import { flagNames, flagPresetNames } from '../../../lib/domain/safety/flags.ts';
import { stages } from '../../../lib/events/stage.ts';
import { commandPaths, helpOf, optionsIn, runClosed } from '../../helpers/program-help.ts';

const has = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'evenkeel-completion-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function scriptOf(shell: string): Promise<string> {
  const { code, out, err } = await runClosed('completion', shell);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const file = join(dir, `evenkeel.${shell}`);
  writeFileSync(file, out);
  return file;
}

describe.skipIf(!has('bash'))(
  `completion in bash${has('bash') ? '' : ' (skipped: there is no bash)'}`,
  () => {
    /** What bash offers for each line; the last word is the one that is being typed. */
    async function offeredFor(lines: readonly (readonly string[])[], cwd = dir): Promise<string[][]> {
      const quoted = (word: string) => `'${word}'`;
      const asked = lines.map(
        (words) =>
          `COMP_WORDS=(evenkeel ${words.map(quoted).join(' ')}); COMP_CWORD=${words.length}; _evenkeel; echo "\${COMPREPLY[*]}"`,
      );
      const program = [`source ${await scriptOf('bash')}`, ...asked].join('\n');
      const said = execFileSync('bash', ['--norc', '-u', '-c', program], { encoding: 'utf8', cwd });
      const answers = said.split('\n').slice(0, -1);
      expect(answers).toHaveLength(lines.length);
      return answers.map((answer) => answer.split(' ').filter((word) => word !== ''));
    }
    const offered = async (...words: string[]) => (await offeredFor([words]))[0]!.toSorted();

    it('offers of every command what its help names, and nothing else', async () => {
      const paths = [[], ...(await commandPaths())];
      const options = await offeredFor(paths.map((path) => [...path, '--']));
      for (const [index, path] of paths.entries()) {
        expect([path, options[index]!.toSorted()]).toEqual([
          path,
          [...new Set(optionsIn(await helpOf(...path)))].sort(),
        ]);
      }
      const short = await offeredFor(paths.map((path) => [...path, '-']));
      for (const words of short)
        expect(words).toEqual(expect.arrayContaining(['-h', '-V', '--json', '--stage']));
    });

    it('is what bash asks for evenkeel', async () => {
      const asked = ['--norc', '-c', `source ${await scriptOf('bash')}; complete -p evenkeel`];
      expect(execFileSync('bash', asked, { encoding: 'utf8' })).toBe('complete -F _evenkeel evenkeel\n');
    });

    it('commands and the commands below them', async () => {
      const paths = await commandPaths();
      const top = paths.filter(({ length }) => length === 1).map(([name]) => name!);
      expect(await offered('')).toEqual([...top, 'help'].sort());
      expect(await offered('help', '')).toEqual(top.toSorted());
      expect(await offered('fl')).toEqual(['flags']);
      for (const group of ['flags', 'order', 'reconcile', 'plan']) {
        const below = paths.filter(([first, second]) => first === group && second !== undefined);
        expect((await offered(group, '')).filter((name) => name !== 'help')).toEqual(
          below.map(([, name]) => name!).toSorted(),
        );
      }
    });

    it.each<[string[], readonly string[]]>([
      [['--stage', ''], stages],
      [['orders', '--stage', 'p'], ['paper']],
      // As bash cuts --stage=l.
      [['orders', '--stage', '=', 'l'], ['live']],
      [['orders', '--stage', '='], stages],
      [['--stage', 'paper', '--json', 'flags', 'preset', ''], flagPresetNames],
      [['flags', 'set', ''], flagNames],
      [
        ['flags', 'set', 'SAFE_MODE', ''],
        ['false', 'true'],
      ],
      [['flags', 'set', '--reason', 'because of it', 'SAFE_MODE', 't'], ['true']],
      [['logs', ''], logParts],
      // As bash cuts --since 2026-01-05T14:30.
      [['logs', '--since', '2026-01-05T14', ':', '30', 'book'], ['book-keeper']],
      [
        ['order', 'place', '--type', 's'],
        ['stp', 'stp-lmt'],
      ],
      [
        ['order', 'bracket', '--side', ''],
        ['buy', 'sell'],
      ],
      [
        ['reconcile', '--mode', ''],
        ['auto_sync', 'strict', 'warn'],
      ],
      [
        ['completion', ''],
        ['bash', 'fish', 'zsh'],
      ],
      [['orders', 'show', '--account', ''], []],
      [['candles', 'G'], []],
    ])('%j', async (words, expected) => {
      expect(await offered(...words)).toEqual(expected.toSorted());
    });

    it('a folder after --data; the options where nothing else can be offered', async () => {
      const [folders, rest] = await offeredFor([
        ['status', '--data', join(tmpdir(), 'evenkeel-compl')],
        ['halt', ''],
      ]);
      expect(folders).toContain(dir);
      expect(rest).toContain('--reason');
    });
  },
);

it.each(['zsh', 'fish'])(
  'the script for %s has every command, and its syntax is right where the shell is here',
  async (shell) => {
    const file = await scriptOf(shell);
    const { out } = await runClosed('completion', shell);
    for (const path of await commandPaths()) {
      const above = path.slice(0, -1).join(' ');
      expect(out).toContain(`'${above}:${path.at(-1)}'`);
    }
    if (has(shell))
      expect(spawnSync(shell, ['-n', file], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  },
);

it('no other shell, and no JSON', async () => {
  expect(await runClosed('completion', 'fishh')).toMatchObject({
    code: 2,
    out: '',
    err: 'SHELL_UNKNOWN: There is no shell fishh; valid: bash, zsh, fish. Did you mean fish?\n',
  });
  const { code, out, err } = await runClosed('completion', 'bash', '--json');
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(JSON.parse(err)).toMatchObject({ error: { code: 'OPTION_MISPLACED', exitCode: 2 } });
});

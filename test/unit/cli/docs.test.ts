import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runEvenkeel } from '../../../bin/evenkeel/program.ts';

const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
const global = ['--stage', '--account', '--data', '--json', '--no-color', '--version', '--help'];

async function help(...command: string[]): Promise<string> {
  const said: string[] = [];
  const output = { write: (text: string) => void said.push(text), isTTY: false, columns: 200 };
  const io = {
    out: output,
    err: output,
    env: {},
    signal: new AbortController().signal,
    nowMs: () => 0,
    sleep: async () => undefined,
    ask: undefined,
  };
  const open = () => {
    throw new Error('opened');
  };
  expect(await runEvenkeel([...command, '--help'], io, open, '0')).toBe(0);
  return said.join('');
}

/** Options at the beginning of a line of help or of a table. */
function optionsOf(text: string): string[] {
  return [...text.matchAll(/^(?: {2}(?:-\w, )?|\| `)(--[\w-]+)/gm)].map((match) => match[1]!).sort();
}

function commandsOf(text: string): string[] {
  const listed = text.split('Commands:\n')[1]?.split('\n\n')[0] ?? '';
  return [...listed.matchAll(/^ {2}([a-z-]+)/gm)].map((match) => match[1]!).filter((name) => name !== 'help');
}

/** The text below a heading, up to the next. */
function section(heading: string): string | undefined {
  return page.split(/^#{2,3} /m).find((text) => text.startsWith(`${heading}\n`));
}

describe('docs/cli.md says what the help says', async () => {
  const top = commandsOf(await help());
  const paths: string[][] = [];
  for (const name of top) {
    paths.push([name]);
    for (const below of commandsOf(await help(name))) paths.push([name, below]);
  }

  it('has the commands and nothing else', () => {
    const headings = [...page.matchAll(/^#{2,3} (.+)$/gm)].map((match) => match[1]!);
    expect(headings.filter((heading) => /^[a-z-]+( [a-z-]+)?$/.test(heading))).toEqual(
      paths.map((path) => path.join(' ')),
    );
    expect(paths.length).toBeGreaterThan(12);
  });

  it.each(paths.map((path) => path.join(' ')))('%s: the same options', async (name) => {
    const own = optionsOf(await help(...name.split(' '))).filter((option) => !global.includes(option));
    expect(optionsOf(section(name) ?? '')).toEqual(own);
  });

  it('has the global options', async () => {
    expect(optionsOf(section('Which stage, which account') ?? '')).toEqual([...global].sort());
    expect(optionsOf(await help())).toEqual([...global].sort());
  });
});

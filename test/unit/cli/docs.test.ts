import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commandPaths, helpOf, optionsIn } from '../../helpers/program-help.ts';

const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
const global = ['--stage', '--account', '--data', '--json', '--no-color', '--version', '--help'];

/** The text below a heading, up to the next. */
function section(heading: string): string | undefined {
  return page.split(/^#{2,3} /m).find((text) => text.startsWith(`${heading}\n`));
}

describe('docs/cli.md says what the help says', async () => {
  const paths = await commandPaths();

  it('has the commands and nothing else', () => {
    const headings = [...page.matchAll(/^#{2,3} (.+)$/gm)].map((match) => match[1]!);
    expect(headings.filter((heading) => /^[a-z-]+( [a-z-]+)?$/.test(heading))).toEqual(
      paths.map((path) => path.join(' ')),
    );
    expect(paths.length).toBeGreaterThan(12);
  });

  it.each(paths.map((path) => path.join(' ')))('%s: the same options', async (name) => {
    const own = optionsIn(await helpOf(...name.split(' '))).filter((option) => !global.includes(option));
    expect(optionsIn(section(name) ?? '')).toEqual(own);
  });

  it('has the global options', async () => {
    expect(optionsIn(section('Which stage, which account') ?? '')).toEqual([...global].sort());
    expect(optionsIn(await helpOf())).toEqual([...global].sort());
  });
});

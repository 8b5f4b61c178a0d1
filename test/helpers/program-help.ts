import { runEvenkeel } from '../../bin/evenkeel/program.ts';

/** Runs the operator's program where nothing may be opened. */
export async function runClosed(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const into = (name: keyof typeof said) => ({
    write: (text: string) => {
      said[name] += text;
    },
    isTTY: false,
    columns: 200,
  });
  const io = {
    out: into('out'),
    err: into('err'),
    env: {},
    signal: new AbortController().signal,
    nowMs: () => 0,
    sleep: async () => undefined,
    ask: undefined,
  };
  const open = () => {
    throw new Error('opened');
  };
  return { code: await runEvenkeel(argv, io, open, '0'), ...said };
}

/** The help of a command; of the program without one. */
export async function helpOf(...command: string[]): Promise<string> {
  const { code, out, err } = await runClosed(...command, '--help');
  if (code !== 0 || err !== '') throw new Error(`${command.join(' ')} --help: ${code}, ${err}`);
  return out;
}

/** Every command below, as its help lists them: `['flags']`, `['flags', 'set']`, ... */
export async function commandPaths(...command: string[]): Promise<string[][]> {
  const paths: string[][] = [];
  for (const name of commandsIn(await helpOf(...command))) {
    const path = [...command, name];
    paths.push(path, ...(await commandPaths(...path)));
  }
  return paths;
}

function commandsIn(help: string): string[] {
  const listed = help.split('Commands:\n')[1]?.split('\n\n')[0] ?? '';
  return [...listed.matchAll(/^ {2}([a-z-]+)/gm)].map((match) => match[1]!).filter((name) => name !== 'help');
}

/** Options at the beginning of a line of help or of a table. */
export function optionsIn(text: string): string[] {
  return [...text.matchAll(/^(?: {2}(?:-\w, )?|\| `)(--[\w-]+)/gm)].map((match) => match[1]!).sort();
}

/** The examples of a help, as words of the shell without `npm run ops --`. */
export function examplesIn(help: string): string[][] {
  return [...help.matchAll(/^ {2}npm run (?:-s )?ops -- (.+)$/gm)].map(([, line]) =>
    [...line!.replace(/ [<>] .*$/, '').matchAll(/"([^"]*)"|(\S+)/g)].map(
      ([, inQuotes, bare]) => inQuotes ?? bare ?? '',
    ),
  );
}

import type { Answer, CommandRunner, Scope } from '../../console/server/commands.ts';
import type { Io } from './io.ts';
import type { OpenPorts, Session } from './session.ts';

/** The program itself, to be run once more inside the console. */
export type RunProgram = (argv: readonly string[], io: Io, open: OpenPorts) => Promise<number>;

/**
 * Runs the operator's commands inside this process, with `--json`: what the page shows is what they write, to the letter,
 * and what it does goes the way that they go.
 *
 * @param open reading commands may see lists that were kept while the book stood still, the status, which only counts them,
 *   also older ones; acting commands see the book itself
 */
export function commandRunner(
  session: Pick<Session, 'stage' | 'account' | 'dataDir' | 'io'>,
  program: RunProgram,
  open: { readonly reading: OpenPorts; readonly glancing: OpenPorts; readonly acting: OpenPorts },
): CommandRunner {
  const { stage, account, dataDir, io } = session;
  const run = async (
    argv: readonly string[],
    { scope = 'account', typed }: { readonly scope?: Scope | undefined; readonly typed?: string | undefined },
    through: OpenPorts,
  ): Promise<Answer> => {
    const said = { out: '', err: '' };
    const into = (name: keyof typeof said) => ({
      write: (text: string) => {
        said[name] += text;
      },
      isTTY: false,
      columns: 100,
    });
    const place = ['--json', '--stage', stage, ...(dataDir === undefined ? [] : ['--data', dataDir])];
    const whose = scope === 'account' ? ['--account', account] : [];
    const inner: Io = {
      ...io,
      out: into('out'),
      err: into('err'),
      ask: typed === undefined ? undefined : async () => typed,
    };
    const exitCode = await program([...place, ...whose, ...argv], inner, through);
    return answerOf(said, exitCode);
  };
  return {
    read: (argv, scope) => run(argv, { scope }, argv[0] === 'status' ? open.glancing : open.reading),
    act: (argv, options = {}) => run(argv, options, open.acting),
  };
}

/** A command that found a problem has both: a result, and an exit code that says so. */
function answerOf({ out, err }: { readonly out: string; readonly err: string }, exitCode: number): Answer {
  const line = out.trim().split('\n').at(-1) ?? '';
  if (line !== '') return { ok: true, result: JSON.parse(line), exitCode };
  const { code, message } = errorIn(err);
  return { ok: false, code, message, exitCode };
}

function errorIn(text: string): { readonly code: string; readonly message: string } {
  const line = text.trim().split('\n').at(-1) ?? '';
  try {
    return (JSON.parse(line) as { readonly error: { readonly code: string; readonly message: string } })
      .error;
  } catch {
    return { code: 'INTERRUPTED', message: line === '' ? 'The console is stopping.' : line };
  }
}

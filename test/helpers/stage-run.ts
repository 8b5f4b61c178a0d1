import type { Io } from '../../bin/evenkeel/io.ts';
import { runEvenkeel } from '../../bin/evenkeel/program.ts';
import type { Prompts } from '../../bin/evenkeel/prompts.ts';
import type { StagePorts } from '../../bin/evenkeel/stage-ports.ts';

export interface Person {
  /** What he types, in this order; undefined where nobody sits at the terminal. */
  readonly types?: readonly string[];
  /** What standard input holds. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the operator's program on a deployed stage whose ports are given. Answers that a question refuses are an error. */
export async function runOnStage(
  ports: Partial<StagePorts>,
  argv: readonly string[],
  { types, input, env = {} }: Person = {},
): Promise<{ code: number; out: string; err: string; asked: readonly string[] }> {
  const said = { out: '', err: '' };
  const asked: string[] = [];
  const left = [...(types ?? [])];
  const answer = async (question: string, check: (text: string) => string | undefined): Promise<string> => {
    asked.push(question);
    for (;;) {
      const typed = left.shift();
      if (typed === undefined) throw new Error(`nothing more is typed, and it asks: ${question}`);
      const problem = check(typed);
      if (problem === undefined) return typed;
      asked.push(problem);
    }
  };
  const prompts: Prompts = {
    hidden: answer,
    line: answer,
    choose: async (question, options) =>
      answer(question, (typed) =>
        options.some(({ value }) => value === typed) ? undefined : 'none of these',
      ),
  };
  const output = (stream: 'out' | 'err') => ({
    write: (text: string) => {
      said[stream] += text;
    },
    isTTY: false,
    columns: 160,
  });
  const io: Io = {
    out: output('out'),
    err: output('err'),
    env,
    signal: new AbortController().signal,
    nowMs: () => Date.UTC(2026, 0, 5, 15),
    sleep: async () => undefined,
    ask: undefined,
    prompts: types === undefined ? undefined : prompts,
    readInput: input === undefined ? undefined : async () => input,
  };
  const code = await runEvenkeel(argv, io, () => ports as StagePorts, '0.0.0');
  return { code, ...said, asked };
}

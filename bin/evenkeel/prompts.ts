import type { Readable, Writable } from 'node:stream';
import { CliError, exit } from './exit.ts';

/** What is wrong with an answer; undefined where nothing is. */
export type Check = (answer: string) => string | undefined;

/** Questions to a person at a terminal. All reject with CliError INTERRUPTED on Ctrl-C. */
export interface Prompts {
  /** The answer is never shown: neither while it is typed nor afterwards. */
  hidden(question: string, check: Check): Promise<string>;
  line(question: string, check: Check): Promise<string>;
  choose(
    question: string,
    options: readonly { readonly value: string; readonly hint: string }[],
  ): Promise<string>;
}

/** On standard error: standard output is for results. The library is loaded with the first question; few commands ask. */
export function createPrompts(input: Readable, output: Writable, signal: AbortSignal): Prompts {
  const common = { input, output, signal };
  const clack = () => import('@clack/prompts');
  const validating = (check: Check) => (answer: string | undefined) => check(answer ?? '');
  return {
    hidden: async (message, check) =>
      answered(await (await clack()).password({ ...common, message, validate: validating(check) })),
    line: async (message, check) =>
      answered(await (await clack()).text({ ...common, message, validate: validating(check) })),
    choose: async (message, options) =>
      answered(
        await (await clack()).select({
          ...common,
          message,
          options: options.map((option) => ({ ...option })),
        }),
      ),
  };
}

/** The library answers with a symbol when the person cancels, and with undefined for an empty line. */
function answered(answer: string | symbol | undefined): string {
  if (typeof answer === 'symbol')
    throw new CliError('INTERRUPTED', 'Interrupted; nothing was written.', exit.interrupted);
  return answer ?? '';
}

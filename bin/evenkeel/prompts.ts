import type { Readable, Writable } from 'node:stream';
import { isCancel, password, select, text } from '@clack/prompts';
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

/** On standard error: standard output is for results. */
export function createPrompts(input: Readable, output: Writable, signal: AbortSignal): Prompts {
  const common = { input, output, signal };
  const validating = (check: Check) => (answer: string | undefined) => check(answer ?? '');
  return {
    hidden: async (message, check) =>
      answered(await password({ ...common, message, validate: validating(check) })),
    line: async (message, check) => answered(await text({ ...common, message, validate: validating(check) })),
    choose: async (message, options) =>
      answered(await select({ ...common, message, options: options.map((option) => ({ ...option })) })),
  };
}

/** An empty line comes as undefined. */
function answered(answer: string | symbol | undefined): string {
  if (isCancel(answer) || typeof answer === 'symbol')
    throw new CliError('INTERRUPTED', 'Interrupted; nothing was written.', exit.interrupted);
  return answer ?? '';
}

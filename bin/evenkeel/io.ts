import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPrompts, type Prompts } from './prompts.ts';

/** The world of one run of the program, so that a test can be it. */
export interface Io {
  readonly out: Output;
  readonly err: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  /** Waits; ends early, without an error, when the signal aborts. */
  readonly sleep: (ms: number) => Promise<void>;
  /** What a person types in answer; undefined where nobody sits at a terminal. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Questions whose answers nobody may see; undefined where nobody sits at a terminal. */
  readonly prompts?: Prompts | undefined;
  /** All of standard input; undefined where that is a terminal. */
  readonly readInput?: (() => Promise<string>) | undefined;
}

export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number;
}

export function processIo(env: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Io {
  const atTerminal = process.stdin.isTTY && process.stderr.isTTY;
  return {
    out: output(process.stdout),
    err: output(process.stderr),
    env,
    signal,
    nowMs: Date.now,
    sleep: (ms) => sleep(ms, undefined, { signal }).catch(() => undefined),
    ask: atTerminal ? ask : undefined,
    prompts: atTerminal ? createPrompts(process.stdin, process.stderr, signal) : undefined,
    readInput: process.stdin.isTTY ? undefined : () => text(process.stdin),
  };
}

/** Off standard output, which is for results. The terminal keeps its own line editing, so that Ctrl-C is a signal. */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  try {
    // The end of the input is no answer.
    const closed = new Promise<string>((resolve) => void lines.once('close', () => resolve('')));
    return await Promise.race([lines.question(question), closed]);
  } finally {
    lines.close();
  }
}

function output(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    get isTTY() {
      return stream.isTTY ?? false;
    },
    get columns() {
      return stream.columns ?? 100;
    },
  };
}

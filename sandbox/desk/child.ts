import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** One process of the sandbox: its output goes to a log file, its last words are kept for an error message. */
export interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  /** Resolves with how it ended. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** The first message over the channel that `matches`. */
  message<T>(matches: (message: unknown) => message is T, timeoutMs: number): Promise<T>;
  /** The last lines that it wrote to its error output. */
  lastWords(): string;
  /** Asks it to stop and kills it when it does not within the time; resolves when it is gone. */
  stop(timeoutMs: number): Promise<void>;
}

export interface ChildOptions {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Called for every line on standard output. */
  readonly onLine?: (line: string) => void;
}

const LAST_WORDS = 20;

export function startChild(options: ChildOptions): Child {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = createWriteStream(options.logFile, { flags: 'a' });
  const child = spawn(process.execPath, [options.script, ...(options.args ?? [])], {
    // Only what a program needs to start: a developer's own AWS variables must not reach it.
    env: { ...inherited(), ...options.env },
    // A group of its own, so that Ctrl-C reaches the sandbox alone, which then stops its parts in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const words: string[] = [];
  lines(child.stderr!, (line) => {
    words.push(line);
    if (words.length > LAST_WORDS) words.shift();
    log.write(`${line}\n`);
  });
  lines(child.stdout!, (line) => {
    log.write(`${line}\n`);
    options.onLine?.(line);
  });
  const messages: unknown[] = [];
  const waiting = new Set<() => void>();
  child.on('message', (message) => {
    messages.push(message);
    for (const wake of waiting) wake();
  });
  const killWithUs = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killWithUs);
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('error', () => resolve({ code: 1, signal: null }));
    // `close` rather than `exit`: by then everything that it wrote has been read.
    child.once('close', (code, signal) => {
      process.removeListener('exit', killWithUs);
      log.end();
      for (const wake of waiting) wake();
      resolve({ code, signal });
    });
  });
  return {
    name: options.name,
    process: child,
    exited,
    lastWords: () => words.join('\n'),
    message: async <T>(matches: (message: unknown) => message is T, timeoutMs: number): Promise<T> => {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const found = messages.find(matches);
        if (found) return found;
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`The ${options.name} ended before it was ready.\n${words.join('\n')}`);
        }
        const left = deadline - Date.now();
        if (left <= 0)
          throw new Error(`The ${options.name} was not ready within ${timeoutMs} ms.\n${words.join('\n')}`);
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            clearTimeout(timer);
            resolve();
          };
          const timer = setTimeout(wake, left);
          waiting.add(wake);
        });
      }
    },
    stop: async (timeoutMs) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function inherited(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'NODE_COMPILE_CACHE', 'NODE_V8_COVERAGE']) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

function lines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) onLine(part);
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}

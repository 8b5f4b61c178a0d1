import { setTimeout as sleep } from 'node:timers/promises';

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
}

export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number;
}

export function processIo(env: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Io {
  return {
    out: output(process.stdout),
    err: output(process.stderr),
    env,
    signal,
    nowMs: Date.now,
    sleep: (ms) => sleep(ms, undefined, { signal }).catch(() => undefined),
  };
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

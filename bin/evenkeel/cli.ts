import type { Command } from 'commander';
import { type ExitCode, exit } from './exit.ts';
import type { Session, StageSession } from './session.ts';
import { printableLines } from './view.ts';

/** What a command found: `result` for `--json`, `text` for a person. */
export interface Shown {
  readonly result: unknown;
  /** Drawn only when it is shown. */
  readonly text: () => string;
  readonly exitCode?: ExitCode;
}

/** A command that shows by itself, as those do that follow something; its exit code. */
export type Streaming = ExitCode;

/** What a command's file adds itself to. */
export interface Cli {
  readonly program: Command;
  /** Runs a command's logic in a session and shows what it found. */
  readonly run: <O>(
    logic: (session: Session, options: O) => Promise<Shown | Streaming>,
  ) => (this: Command) => Promise<void>;
  /** The same for a command that is about the whole stage: no account has to be said. */
  readonly runStage: <O>(
    logic: (session: StageSession, options: O) => Promise<Shown | Streaming>,
  ) => (this: Command) => Promise<void>;
}

/** One line of JSON or the text, to standard output; the exit code. */
export function show(session: StageSession, shown: Shown | Streaming): ExitCode {
  if (typeof shown === 'number') return shown;
  writeResult(session, shown);
  return shown.exitCode ?? exit.ok;
}

export function writeResult({ io, json }: StageSession, { result, text }: Shown): void {
  io.out.write(`${json ? JSON.stringify(result) : printableLines(text())}\n`);
}

/** A line about what goes on, for a person only, off standard output. */
export function progress({ io, json }: StageSession, text: string): void {
  if (!json) io.err.write(`${printableLines(text)}\n`);
}

/** How the program ends. docs/cli.md lists the codes. */
export const exit = {
  ok: 0,
  /** Something that should not happen: a fault of Evenkeel's or of AWS's. */
  fault: 1,
  /** The command line, the configuration or a name in it is wrong. Nothing was done. */
  input: 2,
  /** A check ran and found a problem. */
  problem: 3,
  /** AWS or the sandbox cannot be reached, or refuses these credentials. */
  unreachable: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

/** What a person can act upon: the message says what happened, what it means and what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: string;
  readonly exitCode: ExitCode;

  constructor(code: string, message: string, exitCode: ExitCode = exit.input) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
  }
}

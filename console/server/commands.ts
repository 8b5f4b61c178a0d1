/** What the console needs from the operator's program: the very commands that a terminal runs with `--json`. */

/** How a command ended: its result, or its error as a person reads it. */
export type Answer =
  | { readonly ok: true; readonly result: unknown; readonly exitCode: number }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly exitCode: number };

export interface CommandRunner {
  /** A command that only reads. The lists that the status counts may be of an earlier state of the book. */
  read(argv: readonly string[], scope?: Scope): Promise<Answer>;
  /** A command that changes something. `typed` is what a person types where the command asks him to confirm. */
  act(
    argv: readonly string[],
    options?: { readonly typed?: string; readonly scope?: Scope },
  ): Promise<Answer>;
}

/** `stage`: the command is about every account, and refuses to be told one. */
export type Scope = 'account' | 'stage';

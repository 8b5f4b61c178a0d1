/** What stopped the sandbox: bad input (exit code 2) or a part that ended (1). The message is for a person. */
export class DeskError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'DeskError';
    this.exitCode = exitCode;
  }
}

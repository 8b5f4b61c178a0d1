import type { Json } from '../domain/book/item.ts';

/** Calls a function of the stage and waits for what it answers. */
export interface FunctionCaller {
  /**
   * Calls once, never again by itself: a second call would be a second run.
   *
   * @throws FunctionFailedError when the function ended with an error
   * @throws CallLostError when no answer came; the function may still run
   */
  call(name: string, payload: Json): Promise<Json>;
}

/** The function ran and ended with an error of its own. */
export class FunctionFailedError extends Error {
  override readonly name = 'FunctionFailedError';
  readonly code = 'FUNCTION_FAILED';
  readonly functionName: string;
  /** Name of the error's class, or the runtime's word, for example `Sandbox.Timedout`. */
  readonly errorType: string;
  /** What the function said, for a person where it is one of the project's own errors. */
  readonly said: string;

  constructor(functionName: string, errorType: string, said: string) {
    super(`FUNCTION_FAILED: ${functionName} ended with ${errorType}: ${said}`);
    this.functionName = functionName;
    this.errorType = errorType;
    this.said = said;
  }
}

/** The connection ended before the answer came. */
export class CallLostError extends Error {
  override readonly name = 'CallLostError';
  readonly code = 'CALL_LOST';
  readonly functionName: string;

  constructor(functionName: string, why: string, options?: ErrorOptions) {
    super(
      `CALL_LOST: The connection ended before ${functionName} answered (${why}). It may still run.`,
      options,
    );
    this.functionName = functionName;
  }
}

/** Codes of the errors that stop the local cloud; each is explained in docs/local-cloud.md. */
export type CloudErrorCode =
  | 'ASSEMBLY_MISSING'
  | 'STACK_MISSING'
  | 'TEMPLATE_UNSUPPORTED'
  | 'TEMPLATE_INVALID'
  | 'PATTERN_UNSUPPORTED'
  | 'POLICY_UNSUPPORTED'
  | 'NO_DYNAMODB_ENGINE'
  | 'ENGINE_FAILED'
  | 'TABLE_DIFFERS'
  | 'DATA_DIR_IN_USE'
  | 'PORT_IN_USE'
  | 'SQS_ENGINE_CHANGED'
  | 'CONTAINER_MISSING'
  | 'CONTAINER_AMBIGUOUS'
  | 'TASK_DENIED'
  | 'SECRET_DENIED'
  | 'SYNTH_FAILED';

/**
 * An error of the local cloud itself. The message says what happened, what it means and what to do next; what the
 * emulated services answer to their callers is in `aws-errors.ts`.
 */
export class CloudError extends Error {
  override readonly name = 'CloudError';
  readonly code: CloudErrorCode;

  constructor(code: CloudErrorCode, what: string, todo: string, options?: { cause?: unknown }) {
    super(`${what} ${todo}`, options);
    this.code = code;
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export type ReplayErrorCode =
  | 'REPLAY_VALUE_TOO_FINE'
  | 'REPLAY_UNKNOWN_SYMBOL'
  | 'REPLAY_OUT_UNWRITABLE'
  | 'BARS_BAD_HEADER'
  | 'BARS_MALFORMED_ROW'
  | 'BARS_EMPTY'
  | 'BARS_NEED_SYMBOL';

/** What is wrong with the input of a replay, where, and what to do. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
  readonly code: ReplayErrorCode;

  /** @param where a file, or `file:line:column`, line and column from 1 */
  constructor(code: ReplayErrorCode, where: string, what: string, todo: string, options?: ErrorOptions) {
    super(`${where}: ${what} ${todo}`, options);
    this.code = code;
  }
}

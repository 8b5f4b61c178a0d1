export type TapeErrorCode =
  | 'TAPE_UNREADABLE'
  | 'TAPE_BAD_GZIP'
  | 'TAPE_BAD_HEADER'
  | 'TAPE_MALFORMED_ROW'
  | 'TAPE_OUT_OF_ORDER'
  | 'TAPE_EMPTY'
  | 'TAPE_BAD_CONTRACTS';

/**
 * What is wrong with a tape, where, and what to do. `line` counts from 1 (the header is line 1), `column` is the
 * character position in that line, from 1, as editors count; both are 0 when the fault is not in a line.
 */
export class TapeError extends Error {
  override readonly name = 'TapeError';
  readonly code: TapeErrorCode;
  readonly file: string;
  readonly line: number;
  readonly column: number;

  constructor(
    code: TapeErrorCode,
    at: { file: string; line?: number; column?: number },
    what: string,
    todo: string,
    options?: ErrorOptions,
  ) {
    const line = at.line ?? 0;
    const column = at.column ?? 0;
    const where = line === 0 ? at.file : `${at.file}:${line}:${column}`;
    super(`${where}: ${what} ${todo}`, options);
    this.code = code;
    this.file = at.file;
    this.line = line;
    this.column = column;
  }
}

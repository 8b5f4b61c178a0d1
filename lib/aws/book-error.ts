import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import type { BookChange } from '../ports/book.ts';

export type BookErrorCode =
  | 'BOOK_CHANGE_INVALID'
  | 'BOOK_ITEM_INVALID'
  | 'BOOK_ITEM_TOO_LARGE'
  | 'BOOK_RESTORING'
  | 'BOOK_WRITE_FAILED';

const advice: Readonly<Record<BookErrorCode, string>> = {
  BOOK_CHANGE_INVALID:
    'This is a mistake in the calling code: at most 90 writes and 98 items in all, each once.',
  BOOK_ITEM_INVALID:
    'Something else than Evenkeel wrote it; rebuild it from the audit trail or restore the table.',
  BOOK_ITEM_TOO_LARGE:
    'DynamoDB stores at most 400 KB in an item. Trying again does not help: the order has too many fills for one item.',
  BOOK_RESTORING:
    'An event stays in its queue and comes again. If the restore was stopped, the same command goes on where it ended.',
  BOOK_WRITE_FAILED:
    'The event stays in its queue and is tried again; look at the table and the permissions.',
};

/** The book could not be read or changed. Nothing was written. */
export class BookError extends Error {
  override readonly name = 'BookError';
  readonly code: BookErrorCode;

  constructor(code: BookErrorCode, what: string, options?: ErrorOptions) {
    super(`${code}: ${what}; nothing was written. ${advice[code]}`, options);
    this.code = code;
  }

  /** What a failed transaction means, with DynamoDB's own words. */
  static of(error: unknown, { account, cause }: BookChange): BookError {
    const words = wordsOf(error);
    const code = /item size/i.test(words) ? 'BOOK_ITEM_TOO_LARGE' : 'BOOK_WRITE_FAILED';
    const what = `The change of account ${account} by ${cause.name} (${cause.id}) failed: ${words}`;
    return new BookError(code, what, { cause: error });
  }
}

function wordsOf(error: unknown): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const reasons =
    error instanceof TransactionCanceledException
      ? (error.CancellationReasons ?? []).flatMap(({ Code, Message }) =>
          Message ? [`${Code}: ${Message}`] : [],
        )
      : [];
  return [`${name}: ${message}`, ...reasons].join('; ');
}

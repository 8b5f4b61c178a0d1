/** The book, and the only way to change it: one transaction with its audit row. */
import type { BookChange, BookItem, BookKind, BookRef } from '../domain/book/item.ts';

export type {
  AuditCause,
  BookChange,
  BookItem,
  BookKind,
  BookRef,
  BookWrite,
} from '../domain/book/item.ts';

/** `conflict`: an item or the chain's head moved since it was read; nothing was written, read again. */
export type CommitResult = 'committed' | 'conflict';

export interface BookReader {
  /** The items as one consistent picture; undefined where there is none. */
  read(account: string, refs: readonly BookRef[]): Promise<readonly (BookItem | undefined)[]>;
  /** Every item of a kind, in order of its id, page by page. `prefix` narrows it to ids that begin so. */
  list(account: string, kind: BookKind, prefix?: string): AsyncGenerator<BookItem, void, undefined>;
  /** Every item of the account. */
  all(account: string): AsyncGenerator<BookItem, void, undefined>;
}

export interface Book extends BookReader {
  /** Changes, audit row and chain head in one transaction: all of it, or nothing. */
  commit(change: BookChange): Promise<CommitResult>;
}

import type { BookRef } from '../domain/book/item.ts';

/** What the keys of a stored item say. */
export interface StoredKeys {
  /** IB account of a partition of the book; undefined for one that this project does not make. */
  accountOf(pk: string): string | undefined;
  /** The item of the book with this sort key; undefined for one that this project does not make. */
  refOf(sk: string): BookRef | undefined;
  /** The row of the audit trail with these keys. */
  rowOf(pk: string, sk: string): { readonly account: string; readonly writer: string; readonly seq: number };
}

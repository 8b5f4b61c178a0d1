import type { ItemSpan } from '../domain/backup/item-text.ts';

/** An item as it is stored, with its keys at hand. */
export interface StoredLine {
  readonly pk: string;
  readonly sk: string;
  /** `{"Item":{…}}` in DynamoDB's own notation, without the newline. */
  readonly text: string;
}

/** Items as they lie in one answer. Valid until the next page of the same segment is asked for. */
export interface StoredPage<Span extends ItemSpan = ItemSpan> {
  readonly bytes: Uint8Array;
  /** Each one compact. */
  readonly items: readonly Span[];
}

export interface TableScan {
  /**
   * One segment of a whole table, consistent reads, page by page in the order of the engine. A table is the union of
   * its segments.
   */
  segment(
    table: string,
    segment: { readonly index: number; readonly of: number },
  ): AsyncGenerator<readonly StoredLine[], void, undefined>;
  /**
   * The same as bytes, for whoever hands them on: no text is made of them.
   *
   * @param read finds the end of the item that begins at `start`, and what is wanted of it on the way
   */
  pages<Span extends ItemSpan>(
    table: string,
    segment: { readonly index: number; readonly of: number },
    read: (bytes: Uint8Array, start: number) => Span,
  ): AsyncGenerator<StoredPage<Span>, void, undefined>;
}

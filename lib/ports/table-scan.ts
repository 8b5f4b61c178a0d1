/** An item as it is stored, with its keys at hand. */
export interface StoredLine {
  readonly pk: string;
  readonly sk: string;
  /** `{"Item":{…}}` in DynamoDB's own notation, without the newline. */
  readonly text: string;
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
}

/** What there is to archive. */
export interface ArchiveSource {
  /** Every instrument and interval that the candles table has rows of. */
  series(): AsyncGenerator<CandleSeries, void, undefined>;
  /** Every account that the book has items of. */
  accounts(): AsyncGenerator<string, void, undefined>;
}

export interface CandleSeries {
  readonly conId: number;
  readonly intervalMs: number;
}

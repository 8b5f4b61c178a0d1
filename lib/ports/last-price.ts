/** The last prices of instruments, as far as candles tell them. */
export interface LastPrices {
  /**
   * The close of the newest one-minute candle that began from `fromMs` to `toMs` (Unix ms UTC, both inclusive), as decimal
   * text; undefined where there is none.
   */
  read(conId: number, range: { readonly fromMs: number; readonly toMs: number }): Promise<string | undefined>;
}

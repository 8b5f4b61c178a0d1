import type { Candle } from '../domain/market/candle.ts';

/** `superseded`: the store already holds this candle, or a better one. Both are success. */
export type CandlePutResult = 'stored' | 'superseded';

export interface CandleRange {
  readonly conId: number;
  readonly intervalMs: number;
  /** Start of the first bar, Unix milliseconds, UTC, inclusive. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

/** Where candles are kept: one row for each instrument, interval and bar start. */
export interface CandleStore {
  /** Keeps the candle unless a better one is there (`supersedes`). Safe to repeat and to reorder. */
  put(candle: Candle): Promise<CandlePutResult>;
  /** The candles of a time range in order of their start, page by page. */
  query(range: CandleRange): AsyncGenerator<Candle, void, undefined>;
}

/** What an order, an execution or a position is in. Text is as IB writes it; `''` where IB says nothing. */
export interface TradedContract {
  /** IB's key of the contract; 0 where IB gives none (combinations). */
  readonly conId: number;
  readonly symbol: string;
  readonly secType: string;
  readonly localSymbol: string;
  readonly exchange: string;
  readonly currency: string;
  /** Decimal text; `1` where IB gives none. */
  readonly multiplier: string;
  /** `yyyymmdd`, `yyyymm` or `''`. */
  readonly lastTradeDate: string;
  /** Decimal text; `0` where it has none. */
  readonly strike: string;
  /** `C`, `P` or `''`. */
  readonly right: string;
  readonly tradingClass: string;
}

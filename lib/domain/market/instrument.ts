/**
 * What the broker says about a tradable thing. Chosen once per configured symbol, stored as `INSTRUMENT#<conId>`.
 * Source: IB contract details (message 10).
 */
export interface Instrument {
  /** IB's key of the contract. */
  readonly conId: number;
  /** The name in the configuration: a root (`GC`), a local symbol (`GCZ3`) or a conId as text. */
  readonly configured: string;
  /** Root symbol, for example `GC`. */
  readonly symbol: string;
  /** IB's local symbol, for example `GCZ3`; for stocks the same as `symbol`. */
  readonly localSymbol: string;
  /** `STK`, `FUT`, `OPT`, `FOP`, `CASH`, `BAG`, `IND`, `CRYPTO`. */
  readonly secType: string;
  readonly exchange: string;
  readonly currency: string;
  /** Decimal text; `1` where IB sends none. */
  readonly multiplier: string;
  /** Smallest price step as decimal text. A floor: the step can grow with the price. */
  readonly minTick: string;
  /** Least quantity of an order and its step, decimal text; `1` where it is left out. */
  readonly lotSize?: string;
  /** IANA time zone of `tradingHours`. */
  readonly timeZone: string;
  /** As IB sends it: `20260105:1800-20260106:1700;20260110:CLOSED`, in `timeZone`. Empty when unknown. */
  readonly tradingHours: string;
  /** Last trade date `yyyymmdd` of derivatives. */
  readonly expiry?: string;
}

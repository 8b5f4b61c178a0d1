import type { Contract, ContractDetails } from '@stoqey/ib';
import type { SymbolConfig } from '../config/schema.ts';
import type { Candle } from '../lib/domain/market/candle.ts';
import type { BuilderState } from '../lib/domain/market/candle-builder.ts';
import type { Instrument } from '../lib/domain/market/instrument.ts';
import type { SessionCalendar } from '../lib/domain/market/sessions.ts';
import type { Tick8Volume } from '../lib/domain/market/tick8-volume.ts';

export type FeedState = 'unknown' | 'live' | 'delayed' | 'frozen' | 'stale' | 'lost';

/** One configured symbol: its contract, its subscription and its candle builder. */
export interface Line {
  readonly index: number;
  readonly symbol: SymbolConfig;
  readonly name: string;
  /** Questions that find the contract, and the one that is out. */
  readonly queries: readonly Contract[];
  queryIndex: number;
  queryReqId: number;
  found: ContractDetails[];
  instrument: Instrument | undefined;
  calendar: SessionCalendar | undefined;
  builder: BuilderState | undefined;
  tick8: Tick8Volume | undefined;
  sizeDecimals: number;
  /** Request id of the subscription, 0 without one. */
  reqId: number;
  /** The gateway has answered the subscription. */
  acknowledged: boolean;
  /** Every print since some proven moment is seen. */
  covered: boolean;
  feed: FeedState;
  /** 1 live, 2 frozen, 3 delayed, 4 delayed-frozen, as the gateway said last. */
  dataType: number;
  /** Market time of the last tick. */
  lastTickMs: number;
  /** Market time at which a silent line was last asked for again, and the pause until the next time. */
  renewedMs: number;
  renewAfterMs: number;
  lastPrice: number;
  bid: number;
  ask: number;
  trades: number;
  quotes: number;
  candles: number;
  /** The last candles told, newest last. */
  recent: Candle[];
}

export function createLine(
  index: number,
  symbol: SymbolConfig,
  name: string,
  queries: readonly Contract[],
): Line {
  return {
    index,
    symbol,
    name,
    queries,
    queryIndex: 0,
    queryReqId: 0,
    found: [],
    instrument: undefined,
    calendar: undefined,
    builder: undefined,
    tick8: undefined,
    sizeDecimals: 4,
    reqId: 0,
    acknowledged: false,
    covered: false,
    feed: 'unknown',
    dataType: 0,
    lastTickMs: 0,
    renewedMs: 0,
    renewAfterMs: 0,
    lastPrice: Number.NaN,
    bid: Number.NaN,
    ask: Number.NaN,
    trades: 0,
    quotes: 0,
    candles: 0,
    recent: [],
  };
}

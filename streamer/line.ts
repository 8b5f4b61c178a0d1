import type { Contract, ContractDetails } from '@stoqey/ib';
import type { SymbolConfig } from '../config/schema.ts';
import type { Candle } from '../lib/domain/market/candle.ts';
import type { BuilderState } from '../lib/domain/market/candle-builder.ts';
import type { Instrument } from '../lib/domain/market/instrument.ts';
import type { SessionCalendar } from '../lib/domain/market/sessions.ts';
import type { Tick8Volume } from '../lib/domain/market/tick8-volume.ts';

/** From this market data type on (delayed, delayed-frozen) ticks are a quarter of an hour old. */
const TYPE_DELAYED = 3;
/** Candles that `stats` shows for each line. */
const RECENT_CANDLES = 8;

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
  /** System time at which the question is put again, because it failed or was not answered; Infinity when it was. */
  queryAgainAtMs: number;
  found: ContractDetails[];
  instrument: Instrument | undefined;
  calendar: SessionCalendar | undefined;
  builder: BuilderState | undefined;
  tick8: Tick8Volume | undefined;
  /** Start of the session that the last volume of tick 8 belongs to. */
  tick8SessionMs: number;
  sizeDecimals: number;
  /** Request id of the subscription, 0 without one. */
  reqId: number;
  /** Request id of the tick-by-tick subscription beside it, 0 without one. */
  tickByTickReqId: number;
  /** The gateway will not serve the subscription; it is asked for again at `retryAtMs` (system time). */
  refused: boolean;
  retryAtMs: number;
  /** Pause until then; doubles with each refusal. */
  retryPauseMs: number;
  /** The gateway has answered the subscription. */
  acknowledged: boolean;
  /** Every print since some proven moment is seen. */
  covered: boolean;
  feed: FeedState;
  /** 1 live, 2 frozen, 3 delayed, 4 delayed-frozen, as the gateway said last. */
  dataType: number;
  /** Market time of the last tick. */
  lastTickMs: number;
  /** Market time before which silence does not count: the session was closed, or there was no coverage. */
  quietSinceMs: number;
  halted: boolean;
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
    queryAgainAtMs: Number.POSITIVE_INFINITY,
    found: [],
    instrument: undefined,
    calendar: undefined,
    builder: undefined,
    tick8: undefined,
    tick8SessionMs: 0,
    sizeDecimals: 4,
    reqId: 0,
    tickByTickReqId: 0,
    refused: false,
    retryAtMs: Number.POSITIVE_INFINITY,
    retryPauseMs: 0,
    acknowledged: false,
    covered: false,
    feed: 'unknown',
    dataType: 0,
    lastTickMs: 0,
    quietSinceMs: 0,
    halted: false,
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

export const isDelayed = (line: Line): boolean => line.dataType >= TYPE_DELAYED;

/** Market time since when a line has been silent, as far as silence counts. */
export const silentSince = (line: Line): number => Math.max(line.lastTickMs, line.quietSinceMs);

/** True when the line means whatever month is the front one. */
export function isRoot(line: Line): boolean {
  const { symbol, instrument } = line;
  if (typeof symbol === 'object') return 'root' in symbol;
  return typeof symbol === 'string' && instrument?.expiry !== undefined && instrument.symbol === symbol;
}

/** Keeps the last candles by their time; a correction takes the place of what it corrects. */
export function remember(recent: Candle[], candle: Candle): void {
  const at = recent.findIndex((each) => each.startMs >= candle.startMs);
  if (at < 0) recent.push(candle);
  else if (recent[at]!.startMs === candle.startMs) recent[at] = candle;
  else if (at > 0) recent.splice(at, 0, candle);
  if (recent.length > RECENT_CANDLES) recent.shift();
}

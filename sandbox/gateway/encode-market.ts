/** Encoders of ticks, bars and historical data. */
import { message } from './encode.ts';

type Field = string | number;

// These four are the hot path: template text, no arrays.

export function tickPrice(m: { id: Field; type: Field; price: string; size: string; mask: Field }): string {
  return `1\x006\x00${m.id}\x00${m.type}\x00${m.price}\x00${m.size}\x00${m.mask}\x00`;
}
export function tickSize(m: { id: Field; type: Field; size: string }): string {
  return `2\x006\x00${m.id}\x00${m.type}\x00${m.size}\x00`;
}
export function tickString(m: { id: Field; type: Field; value: string }): string {
  return `46\x006\x00${m.id}\x00${m.type}\x00${m.value}\x00`;
}
export function tickGeneric(m: { id: Field; type: Field; value: string }): string {
  return `45\x006\x00${m.id}\x00${m.type}\x00${m.value}\x00`;
}

export const marketDataType = (m: { id: Field; type: Field }) => message(58, 1, m.id, m.type);
export const tickReqParams = (m: { id: Field; minTick: string; bboExchange: string; permissions: Field }) =>
  message(81, m.id, m.minTick, m.bboExchange, m.permissions);
export const tickSnapshotEnd = (id: Field) => message(57, 1, id);

export interface TickByTickLast {
  readonly id: Field;
  /** 1 Last, 2 AllLast. */
  readonly type: Field;
  readonly timeSeconds: Field;
  readonly price: string;
  readonly size: string;
  readonly mask: Field;
  readonly exchange: string;
  readonly conditions: string;
}
export function tickByTickLast(m: TickByTickLast): string {
  return `99\x00${m.id}\x00${m.type}\x00${m.timeSeconds}\x00${m.price}\x00${m.size}\x00${m.mask}\x00${m.exchange}\x00${m.conditions}\x00`;
}

export interface TickByTickBidAsk {
  readonly id: Field;
  readonly timeSeconds: Field;
  readonly bid: string;
  readonly ask: string;
  readonly bidSize: string;
  readonly askSize: string;
  readonly mask: Field;
}
export function tickByTickBidAsk(m: TickByTickBidAsk): string {
  return message(99, m.id, 3, m.timeSeconds, m.bid, m.ask, m.bidSize, m.askSize, m.mask);
}

export const tickByTickMidPoint = (m: { id: Field; timeSeconds: Field; midPoint: string }) =>
  message(99, m.id, 4, m.timeSeconds, m.midPoint);

/** A bar as text; `time` in the form that the message asks for. */
export interface WireBar {
  readonly time: Field;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  readonly wap: string;
  readonly count: Field;
}
export const realTimeBar = (id: Field, bar: WireBar) =>
  message(50, 3, id, bar.time, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.count);

export function historicalData(m: {
  id: Field;
  start: string;
  end: string;
  bars: readonly WireBar[];
}): string {
  const bars = m.bars.flatMap((b) => [b.time, b.open, b.high, b.low, b.close, b.volume, b.wap, b.count]);
  return message(17, m.id, m.start, m.end, m.bars.length, bars);
}
export const historicalDataUpdate = (id: Field, b: WireBar) =>
  message(90, id, b.count, b.time, b.open, b.close, b.high, b.low, b.wap, b.volume);
export const headTimestamp = (id: Field, timestamp: Field) => message(88, id, timestamp);

export const historicalSchedule = (m: {
  id: Field;
  start: string;
  end: string;
  timeZone: string;
  sessions: readonly { start: string; end: string; date: string }[];
}) =>
  message(
    106,
    m.id,
    m.start,
    m.end,
    m.timeZone,
    m.sessions.length,
    m.sessions.flatMap((s) => [s.start, s.end, s.date]),
  );

export const historicalTicks = (m: {
  id: Field;
  ticks: readonly { time: Field; price: string; size: string }[];
  done: Field;
}) =>
  // The field after the time is unused in mid-point ticks.
  message(
    96,
    m.id,
    m.ticks.length,
    m.ticks.flatMap((t) => [t.time, 0, t.price, t.size]),
    m.done,
  );

export const historicalTicksBidAsk = (m: {
  id: Field;
  ticks: readonly { time: Field; mask: Field; bid: string; ask: string; bidSize: string; askSize: string }[];
  done: Field;
}) =>
  message(
    97,
    m.id,
    m.ticks.length,
    m.ticks.flatMap((t) => [t.time, t.mask, t.bid, t.ask, t.bidSize, t.askSize]),
    m.done,
  );

export const historicalTicksLast = (m: {
  id: Field;
  ticks: readonly {
    time: Field;
    mask: Field;
    price: string;
    size: string;
    exchange: string;
    conditions: string;
  }[];
  done: Field;
}) =>
  message(
    98,
    m.id,
    m.ticks.length,
    m.ticks.flatMap((t) => [t.time, t.mask, t.price, t.size, t.exchange, t.conditions]),
    m.done,
  );

export const marketRule = (id: Field, steps: readonly { lowEdge: string; increment: string }[]) =>
  message(
    93,
    id,
    steps.length,
    steps.flatMap((step) => [step.lowEdge, step.increment]),
  );

export interface OptionComputation {
  readonly id: Field;
  readonly type: Field;
  readonly basis: Field;
  readonly impliedVolatility: string;
  readonly delta: string;
  readonly optionPrice: string;
  readonly presentValueDividend: string;
  readonly gamma: string;
  readonly vega: string;
  readonly theta: string;
  readonly underlyingPrice: string;
}
export function tickOptionComputation(m: OptionComputation): string {
  const { impliedVolatility, delta, optionPrice, presentValueDividend, gamma, vega, theta, underlyingPrice } =
    m;
  const model = [
    impliedVolatility,
    delta,
    optionPrice,
    presentValueDividend,
    gamma,
    vega,
    theta,
    underlyingPrice,
  ];
  return message(21, m.id, m.type, m.basis, model);
}

export const optionParameters = (m: {
  id: Field;
  exchange: string;
  underConId: Field;
  tradingClass: string;
  multiplier: string;
  expirations: readonly string[];
  strikes: readonly string[];
}) =>
  message(
    75,
    [m.id, m.exchange, m.underConId, m.tradingClass, m.multiplier],
    [m.expirations.length, ...m.expirations],
    [m.strikes.length, ...m.strikes],
  );

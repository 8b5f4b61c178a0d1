/** Bars from trades: the bucket is the floor of the time, every trade counts, a bucket without trades has no bar. */
import type { TapeRow } from '../tapes/tape.ts';
import type { WireBar } from './encode-market.ts';
import type { InstrumentState } from './instrument-state.ts';
import { decimalText, scaled } from './scaled.ts';

export interface Bar {
  /** Start, Unix milliseconds, UTC. */
  readonly startMs: number;
  readonly open: string;
  high: string;
  low: string;
  close: string;
  /** Scaled by the instrument's size decimals. */
  volume: bigint;
  /** Sum of price times size, scaled by both decimals. */
  notional: bigint;
  count: number;
}

export function newBar(startMs: number, price: string): Bar {
  return { startMs, open: price, high: price, low: price, close: price, volume: 0n, notional: 0n, count: 0 };
}

export function addTrade(bar: Bar, row: TapeRow, state: InstrumentState): void {
  const price = scaled(row.price, state.priceDecimals);
  const size = scaled(row.size, state.sizeDecimals);
  if (price > scaled(bar.high, state.priceDecimals)) bar.high = row.price;
  if (price < scaled(bar.low, state.priceDecimals)) bar.low = row.price;
  bar.close = row.price;
  bar.volume += size;
  bar.notional += price * size;
  bar.count += 1;
}

export function wireBar(bar: Bar, time: number | string, state: InstrumentState): WireBar {
  const wap =
    bar.volume === 0n
      ? bar.close
      : decimalText((bar.notional * 1_000n) / bar.volume, state.priceDecimals + 3);
  const { open, high, low, close, count } = bar;
  return { time, open, high, low, close, volume: decimalText(bar.volume, state.sizeDecimals), wap, count };
}

/** Rows may lie this far before an earlier one; wider than the tape reader's default, so that none is missed. */
const disorderMs = 60_000;

/**
 * Bars of the trades that were played and have `fromMs <= time < toMs`, in order of time, equal times in the tape's
 * order. `startOf` maps a trade's time to the start of its bar.
 */
export function aggregate(
  state: InstrumentState,
  fromMs: number,
  toMs: number,
  startOf: (timeMs: number) => number,
): Bar[] {
  const rows: TapeRow[] = [];
  let sorted = true;
  for (let index = lowerBound(state.playTimes, fromMs, state.played); index < state.played; index += 1) {
    if (state.playTimes[index]! - disorderMs >= toMs) break;
    const row = state.trades[index]!;
    if (row.timeMs < fromMs || row.timeMs >= toMs) continue;
    if (rows.length > 0 && row.timeMs < rows[rows.length - 1]!.timeMs) sorted = false;
    rows.push(row);
  }
  if (!sorted) rows.sort((a, b) => a.timeMs - b.timeMs);
  const bars: Bar[] = [];
  let bar: Bar | undefined;
  for (const row of rows) {
    const startMs = startOf(row.timeMs);
    if (bar?.startMs !== startMs) {
      bar = newBar(startMs, row.price);
      bars.push(bar);
    }
    addTrade(bar, row, state);
  }
  return bars;
}

/** The first of `count` ascending values that is at least `value`. */
function lowerBound(values: Float64Array, value: number, count: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

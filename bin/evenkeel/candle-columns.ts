/** `evenkeel candles --plot`: candles brought together until they fit, and where a price stands. */
import { Decimal } from 'decimal.js';
import type { Candle } from '../../lib/domain/market/candle.ts';

/** What a column is marked with, in the order of the rows below the plot. */
export const marks = ['backfill', 'flat', 'partial', 'corrected', 'after gap'] as const;
export type Mark = (typeof marks)[number];

/** One column of the plot: one candle, or several that follow each other. */
export interface PlotColumn {
  /** Start of its first candle, Unix milliseconds UTC. */
  readonly startMs: number;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
  readonly volume: Decimal;
  readonly marks: ReadonlySet<Mark>;
}

export interface PlotColumns {
  readonly columns: readonly PlotColumn[];
  /** Time that one column holds. */
  readonly spanMs: number;
}

/** Decimal places with which every price of the candles can be written. */
export function pricePlaces(candles: readonly Candle[]): number {
  // One after the other: there may be more of them than a call takes arguments.
  return candles.reduce(
    (most, { open, high, low, close }) =>
      Math.max(most, ...[open, high, low, close].map((price) => new Decimal(price).dp())),
    0,
  );
}

/** So many bars a column may hold; beyond the last, twice as many again and again. */
const barsOfColumn = [1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 240, 480, 1_440];

/**
 * At most `max` columns, each of the same span, counted from midnight UTC.
 *
 * @param candles at least one, of one interval, in order
 */
export function columnsOf(candles: readonly Candle[], max: number): PlotColumns {
  const { intervalMs } = candles[0]!;
  for (let step = 0; ; step += 1) {
    const last = barsOfColumn.length - 1;
    const bars = barsOfColumn[step] ?? barsOfColumn[last]! * 2 ** (step - last);
    const spanMs = bars * intervalMs;
    const groups = grouped(candles, spanMs);
    if (groups.length <= max) return { spanMs, columns: groups.map((group) => columnOf(group, candles)) };
  }
}

/** Where each group begins and ends in the candles. */
function grouped(candles: readonly Candle[], spanMs: number): { first: number; end: number }[] {
  const groups: { first: number; end: number; span: number }[] = [];
  for (const [index, { startMs }] of candles.entries()) {
    const span = Math.floor(startMs / spanMs);
    const current = groups.at(-1);
    if (current?.span === span) current.end = index + 1;
    else groups.push({ first: index, end: index + 1, span });
  }
  return groups;
}

function columnOf({ first, end }: { first: number; end: number }, candles: readonly Candle[]): PlotColumn {
  const inside = candles.slice(first, end);
  const decimals = (name: 'high' | 'low' | 'volume') => inside.map((candle) => new Decimal(candle[name]));
  const found = new Set<Mark>();
  for (const [index, candle] of inside.entries()) {
    for (const mark of marksOf(candle, candles[first + index - 1])) found.add(mark);
  }
  return {
    startMs: inside[0]!.startMs,
    open: new Decimal(inside[0]!.open),
    high: Decimal.max(...decimals('high')),
    low: Decimal.min(...decimals('low')),
    close: new Decimal(inside.at(-1)!.close),
    volume: Decimal.sum(...decimals('volume')),
    marks: found,
  };
}

function marksOf(candle: Candle, before: Candle | undefined): Mark[] {
  const is: Readonly<Record<Mark, boolean>> = {
    backfill: candle.source === 'backfill',
    flat: candle.source === 'flat',
    partial: candle.partial,
    corrected: candle.revision > 0,
    'after gap': before !== undefined && before.startMs + before.intervalMs !== candle.startMs,
  };
  return marks.filter((mark) => is[mark]);
}

/** Prices to half rows of the plot: a cell shows an upper and a lower half. */
export interface PriceScale {
  readonly low: Decimal;
  readonly high: Decimal;
  /** 0 is the lower half of the lowest row; a higher price never stands below a lower one. */
  readonly half: (price: Decimal) => number;
}

export function priceScale(columns: readonly PlotColumn[], rows: number): PriceScale {
  const low = Decimal.min(...columns.map((column) => column.low));
  const high = Decimal.max(...columns.map((column) => column.high));
  const range = high.minus(low);
  // Where nothing moves, in the middle.
  const half = (price: Decimal) =>
    range.isZero()
      ? rows
      : price
          .minus(low)
          .div(range)
          .times(2 * rows - 1)
          .round()
          .toNumber();
  return { low, high, half };
}

/** Round prices for the axis, some five of them, lowest first: every one is exact. */
export function axisPrices({ low, high }: PriceScale): Decimal[] {
  const range = high.minus(low);
  if (range.isZero()) return [low];
  const rough = range.div(5);
  const power = new Decimal(10).pow(Math.floor(rough.log(10).toNumber()));
  const step = [1, 2, 5, 10, 20].map((factor) => power.times(factor)).find((each) => each.gte(rough))!;
  const prices: Decimal[] = [];
  for (let price = low.div(step).ceil().times(step); price.lte(high); price = price.plus(step))
    prices.push(price);
  return prices;
}

import { mulberry32 } from '../../sandbox/tapes/generate.ts';

/** Prints of one instrument as the gateway words them, and the bars that they must make. */
export interface PrintsOptions {
  readonly seed: number;
  readonly count: number;
  /** Unix ms, UTC, of the first print. */
  readonly startMs: number;
  /** Average number of prints in a second of the market. */
  readonly perSecond: number;
}

export interface NaiveBar {
  readonly startMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  ticks: number;
}

/** Sizes and volumes have sixteen decimals on the wire from server version 163 on. */
const DECIMALS = '.0000000000000000';

/** Makes RTVolume texts one after the other: a random walk of prices, growing volume. */
export class PrintMaker {
  readonly #random: () => number;
  #price: number;
  #volume = 0;
  #notional = 0;

  constructor(seed: number) {
    this.#random = mulberry32(seed);
    // Tenths of a dollar: gold, with its tick of 0.1.
    this.#price = 26_000 + Math.floor(this.#random() * 2_000);
  }

  /** `price;size;timeMs;cumulativeVolume;vwap;singleTrade` */
  next(timeMs: number): string {
    const step = this.#random();
    if (step < 0.25) this.#price += 1;
    else if (step > 0.75) this.#price -= 1;
    const kind = this.#random();
    const size = kind < 0.6 ? 1 : 1 + Math.floor(this.#random() ** 3 * 40);
    this.#volume += size;
    this.#notional += (size * this.#price) / 10;
    const vwap = (this.#notional / this.#volume).toFixed(8);
    const price = this.#price % 10 === 0 ? String(this.#price / 10) : (this.#price / 10).toFixed(1);
    return `${price};${size}${DECIMALS};${timeMs};${this.#volume}${DECIMALS};${vwap};true`;
  }
}

/** Times grow by nought to twice the mean distance, so that many prints share a millisecond. */
export function* prints({
  seed,
  count,
  startMs,
  perSecond,
}: PrintsOptions): Generator<{ timeMs: number; text: string }> {
  const maker = new PrintMaker(seed);
  const random = mulberry32(seed + 1);
  const meanMs = 1_000 / perSecond;
  let exactMs = startMs;
  for (let index = 0; index < count; index += 1) {
    const timeMs = Math.floor(exactMs);
    yield { timeMs, text: maker.next(timeMs) };
    exactMs += random() * 2 * meanMs;
  }
}

/** Adds a print to its bar by the plainest means, sharing no code with the product: split, floor, compare. */
export function aggregate(bars: Map<number, NaiveBar>, text: string, intervalMs: number): void {
  const [priceText, sizeText, timeText] = text.split(';');
  const price = Number(priceText);
  const size = Number(sizeText);
  const startMs = Math.floor(Number(timeText) / intervalMs) * intervalMs;
  const bar = bars.get(startMs);
  if (!bar) {
    bars.set(startMs, {
      startMs,
      open: price,
      high: price,
      low: price,
      close: price,
      volume: size,
      ticks: 1,
    });
    return;
  }
  bar.high = Math.max(bar.high, price);
  bar.low = Math.min(bar.low, price);
  bar.close = price;
  bar.volume += size;
  bar.ticks += 1;
}

/** A candle's numbers as the events carry them. */
export interface CandleNumbers {
  readonly startMs: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  readonly tickCount: number;
}

/** What is wrong with the candles, in words; empty when every bar is there once and exact, and none besides. */
export function compare(bars: readonly NaiveBar[], candles: readonly CandleNumbers[]): string[] {
  const wrong: string[] = [];
  const left = new Map(bars.map((bar) => [bar.startMs, bar]));
  for (const candle of candles) {
    const at = new Date(candle.startMs).toISOString();
    const bar = left.get(candle.startMs);
    if (!bar) {
      wrong.push(`${at}: a candle that should not be there, or there twice`);
      continue;
    }
    left.delete(candle.startMs);
    const own = [candle.open, candle.high, candle.low, candle.close, candle.volume, candle.tickCount].map(
      Number,
    );
    const expected = [bar.open, bar.high, bar.low, bar.close, bar.volume, bar.ticks];
    if (own.some((value, index) => value !== expected[index])) {
      wrong.push(`${at}: ${own.join(' ')} instead of ${expected.join(' ')}`);
    }
  }
  for (const startMs of left.keys()) wrong.push(`${new Date(startMs).toISOString()}: no candle`);
  return wrong;
}

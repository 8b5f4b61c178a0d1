import { createBuilder, step } from '../lib/domain/market/candle-builder.ts';
import { alwaysOpen } from '../lib/domain/market/sessions.ts';
import { mulberry32 } from '../sandbox/tapes/generate.ts';
import type { BenchResult, Figure } from './figure.ts';
import { median, spread, threadMs } from './statistics.ts';

/**
 * The candle builder alone, without text, socket and buffer, beside the plainest loop that makes bars of the same numbers:
 * open, high, low, close, volume, a new bar when the minute changes. The loop knows no lateness, no duplicates, no gaps
 * and no sessions; what they cost is the distance between the two.
 */
export interface CandleBuilderOptions {
  readonly ticks: number;
  readonly rounds: number;
}

const START_MS = Date.UTC(2026, 0, 5, 14, 30);
const INTERVAL_MS = 60_000;
const SIZE_DECIMALS = 4;
/** The gold tape has some 38 trades a minute; a busy future ten times as many. */
const TICKS_PER_BAR = 380;

interface Trades {
  readonly timeMs: Float64Array;
  readonly price: Float64Array;
  readonly size: Float64Array;
  readonly cumVolume: Float64Array;
}

interface Made {
  readonly ms: number;
  readonly bars: number;
  readonly taken: number;
  /** Closes and volumes of all bars: both must come to the same. */
  readonly sum: number;
}

export function candleBuilder({ ticks, rounds }: CandleBuilderOptions): BenchResult {
  const trades = tradesOf(ticks);
  const wrong: string[] = [];
  const ours: Made[] = [];
  const bare: Made[] = [];
  // One of each before anything counts: the engine has both compiled.
  for (let round = -1; round < rounds; round += 1) {
    const own = build(trades);
    const plain = loop(trades);
    if (own.taken !== ticks) wrong.push(`${own.taken} of ${ticks} trades in bars`);
    if (own.bars !== plain.bars || own.sum !== plain.sum)
      wrong.push(`${own.bars} bars with the sum ${own.sum} instead of ${plain.bars} with ${plain.sum}`);
    if (round < 0) continue;
    ours.push(own);
    bare.push(plain);
  }
  const rate = (name: string, made: readonly Made[], of: 'taken' | 'bars', unit: string): Figure => {
    const { min, median: middle, max } = spread(made.map((one) => one[of] / one.ms));
    const scale = unit === 'M ticks/s' ? 1_000 : 0.001;
    return {
      name,
      value: middle / scale,
      unit,
      detail: `min ${(min / scale).toPrecision(3)}, max ${(max / scale).toPrecision(3)}`,
    };
  };
  return {
    name: 'candle-builder',
    figures: [
      rate('candle builder', ours, 'taken', 'M ticks/s'),
      rate('bare loop', bare, 'taken', 'M ticks/s'),
      {
        name: 'candle builder to bare loop',
        value: median(ours.map((one, index) => (bare[index]!.ms / one.ms) * 100)),
        unit: '%',
        detail: 'median of the rounds',
      },
      rate('bars closed', ours, 'bars', 'bars/s'),
    ],
    notes: [
      `${rounds} rounds of ${ticks.toLocaleString('en')} trades in ${bare[0]?.bars.toLocaleString('en')} bars; builder and loop in turns`,
    ],
    ...(wrong.length > 0 ? { invalid: wrong[0]! } : {}),
  };
}

function tradesOf(count: number): Trades {
  const column = () => new Float64Array(count);
  const trades = { timeMs: column(), price: column(), size: column(), cumVolume: column() };
  const random = mulberry32(17);
  let price = 2_650 * 1e8;
  let volume = 0;
  for (let index = 0; index < count; index += 1) {
    const size = (1 + Math.floor(random() ** 3 * 40)) * 10 ** SIZE_DECIMALS;
    price += (Math.floor(random() * 3) - 1) * 1e7;
    volume += size;
    trades.timeMs[index] = START_MS + Math.floor((index * INTERVAL_MS) / TICKS_PER_BAR);
    trades.price[index] = price;
    trades.size[index] = size;
    trades.cumVolume[index] = volume;
  }
  return trades;
}

function build(trades: Trades): Made {
  const builder = createBuilder({
    conId: 1,
    symbol: 'GCG6',
    intervalMs: INTERVAL_MS,
    graceMs: 2_000,
    correctionMs: 60_000,
    flatBarsMax: 2,
    volumeSource: 'rtvolume',
    sizeDecimals: SIZE_DECIMALS,
    epoch: 1,
    calendar: alwaysOpen(),
  });
  step(builder, { kind: 'coverage-gained', fromMs: START_MS }, START_MS - 1);
  const trade = { kind: 'trade' as const, timeMs: 0, price: 0, size: 0, cumVolume: 0 };
  const made = { bars: 0, taken: 0, sum: 0 };
  const count = (effects: ReturnType<typeof step>['effects']): void => {
    for (const effect of effects) {
      if (effect.kind !== 'candle') continue;
      made.bars += 1;
      made.taken += effect.candle.tickCount;
      made.sum += Number(effect.candle.close) + Number(effect.candle.volume);
    }
  };
  const start = process.threadCpuUsage();
  for (let index = 0; index < trades.timeMs.length; index += 1) {
    trade.timeMs = trades.timeMs[index]!;
    trade.price = trades.price[index]!;
    trade.size = trades.size[index]!;
    trade.cumVolume = trades.cumVolume[index]!;
    count(step(builder, trade, trade.timeMs).effects);
  }
  count(step(builder, { kind: 'shutdown' }, trade.timeMs).effects);
  return { ms: threadMs(start), ...made };
}

function loop({ timeMs, price, size }: Trades): Made {
  let bars = 0;
  let sum = 0;
  let endMs = 0;
  let open = 0;
  let high = 0;
  let low = 0;
  let close = 0;
  let volume = 0;
  let spans = 0;
  const start = process.threadCpuUsage();
  for (let index = 0; index < timeMs.length; index += 1) {
    const at = timeMs[index]!;
    const paid = price[index]!;
    if (at >= endMs) {
      if (endMs > 0) {
        bars += 1;
        sum += close / 1e8 + volume / 10 ** SIZE_DECIMALS;
        spans += high - low + open;
      }
      endMs = Math.floor(at / INTERVAL_MS) * INTERVAL_MS + INTERVAL_MS;
      open = paid;
      high = paid;
      low = paid;
      volume = 0;
    }
    if (paid > high) high = paid;
    if (paid < low) low = paid;
    close = paid;
    volume += size[index]!;
  }
  bars += 1;
  sum += close / 1e8 + volume / 10 ** SIZE_DECIMALS;
  spans += high - low + open;
  const ms = threadMs(start);
  // High, low and open must be used, or the engine leaves them out.
  if (Number.isNaN(spans)) throw new Error('A bar has no prices.');
  return { ms, bars, taken: timeMs.length, sum };
}

/** Runs a tape through the candle builder of the streamer, without sockets and as fast as it goes. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Candle } from '../../lib/domain/market/candle.ts';
import { builderStats } from '../../lib/domain/market/candle-builder.ts';
import { parsePrice, parseSize } from '../../lib/domain/market/fixed.ts';
import type { SessionCalendar } from '../../lib/domain/market/sessions.ts';
import { readContracts } from '../tapes/contracts.ts';
import { readTape, type TapeRow } from '../tapes/tape.ts';
import { type Arrival, type FaultyArrivals, faultyArrivals } from './faulty-arrivals.ts';
import { TapeHistory } from './history.ts';
import { createLine, type Line, Market, type OnStatement } from './market.ts';
import { ReplayError } from './replay-error.ts';

export interface ReplayOptions {
  /** Only this symbol of the tape. */
  readonly symbol?: string;
  readonly intervalMs?: number;
  /** Disturbs the way of the prints, from this seed; the bars that miss prints are filled from the tape's own history. */
  readonly faultSeed?: number;
  readonly onStatement?: OnStatement;
  readonly signal?: AbortSignal;
  /** `total` is 0 while the tape is being read and its length unknown. */
  readonly onProgress?: (phase: 'reading' | 'replaying', done: number, total: number) => void;
}

export interface ReplayedSymbol {
  readonly symbol: string;
  readonly calendar: SessionCalendar;
  /** In time order, flat bars included. */
  readonly candles: readonly Candle[];
  /** Spans of which bars may have missed prints. */
  readonly gaps: readonly { readonly fromMs: number; readonly toMs: number }[];
}

export interface ReplayResult {
  /** Trades on the tape. */
  readonly ticks: number;
  readonly symbols: readonly ReplayedSymbol[];
  readonly corrections: number;
  readonly duplicates: number;
  readonly lateTicks: number;
  readonly gaps: number;
  /** With a seed of faults: what befell the prints. */
  readonly faults?: Omit<FaultyArrivals, 'arrivals'>;
}

/** How often others get a turn: Ctrl-C, the progress bar. */
const breatheEvery = 20_000;

/**
 * Replays a tape. The tape is complete, so prints count as complete from the bar of its first row on. Throws
 * `TapeError` for a bad tape, `ReplayError` for numbers that are too fine or a symbol that is not there, and the
 * signal's reason when it is aborted.
 */
export async function replayTape(file: string, options: ReplayOptions = {}): Promise<ReplayResult> {
  const { signal, onProgress, symbol, intervalMs = 60_000 } = options;
  const all: TapeRow[] = [];
  for await (const row of readTape(file)) {
    all.push(row);
    if (all.length % breatheEvery === 0) {
      onProgress?.('reading', all.length, 0);
      await breathe();
      signal?.throwIfAborted();
    }
  }
  const contracts = await readContracts(file, all);
  const rows = symbol === undefined ? all : all.filter((row) => row.symbol === symbol);
  const firstMs = rows.reduce((first, row) => Math.min(first, row.timeMs), Number.POSITIVE_INFINITY);
  if (rows.length === 0) {
    const known = contracts.map((contract) => contract.localSymbol).join(', ');
    throw new ReplayError('REPLAY_UNKNOWN_SYMBOL', file, `has no rows of ${symbol}.`, `It has ${known}.`);
  }
  const lines = new Map<string, Line>();
  const startMs = Math.floor(firstMs / intervalMs) * intervalMs;
  const { faultSeed, onStatement = () => undefined } = options;
  const faulty = faultSeed === undefined ? undefined : faultyArrivals(rows, faultSeed);
  const market = new Market(lines, { startMs, intervalMs, onStatement, outages: faulty?.outages ?? [] });
  for (const contract of contracts) {
    if (symbol !== undefined && contract.localSymbol !== symbol) continue;
    const line = createLine(contract, intervalMs);
    line.history = faulty && new TapeHistory(rows, line.symbol, line.sizeDecimals, intervalMs);
    lines.set(line.symbol, line);
    market.step(line, { kind: 'coverage-gained', fromMs: startMs });
  }
  const trade = { kind: 'trade' as const, timeMs: 0, price: 0, size: 0, cumVolume: 0 };
  const volumes = cumulativeVolumes(file, rows, lines);
  let ticks = 0;
  let done = 0;
  for (const { index, atMs } of faulty?.arrivals ?? inOrder(rows)) {
    const row = rows[index]!;
    market.moveTo(atMs);
    const line = lines.get(row.symbol)!;
    if (row.kind === 'trade') {
      ticks += 1;
      trade.timeMs = row.timeMs;
      trade.price = parsePrice(row.price);
      trade.size = parseSize(row.size, line.sizeDecimals);
      trade.cumVolume = volumes[index]!;
      if (Number.isNaN(trade.price)) throw tooFine(file, row);
      market.step(line, trade);
    } else if (row.kind !== 'quote') {
      market.step(line, { kind: 'halt', halted: row.kind === 'halt', atMs: row.timeMs });
    }
    done += 1;
    if (done % breatheEvery === 0) {
      onProgress?.('replaying', Math.min(done, rows.length), rows.length);
      await breathe();
      signal?.throwIfAborted();
    }
  }
  market.end();
  onProgress?.('replaying', rows.length, rows.length);
  const result = summary([...lines.values()], ticks);
  if (faulty === undefined) return result;
  const { outages, late, twice, lost } = faulty;
  return { ...result, faults: { outages, late, twice, lost } };
}

function* inOrder(rows: readonly TapeRow[]): Generator<Arrival> {
  for (const [index, { timeMs: atMs }] of rows.entries()) yield { index, atMs };
}

/** Of each row, the volume of its symbol up to it: as the exchange counts it, whenever a print is delivered. */
function cumulativeVolumes(
  file: string,
  rows: readonly TapeRow[],
  lines: ReadonlyMap<string, Line>,
): Float64Array {
  const volumes = new Float64Array(rows.length);
  const sums = new Map<string, number>();
  for (const [index, row] of rows.entries()) {
    if (row.kind !== 'trade') continue;
    const size = parseSize(row.size, lines.get(row.symbol)!.sizeDecimals);
    const sum = (sums.get(row.symbol) ?? 0) + size;
    if (!Number.isSafeInteger(sum)) throw tooFine(file, row);
    sums.set(row.symbol, sum);
    volumes[index] = sum;
  }
  return volumes;
}

function tooFine(file: string, row: TapeRow): ReplayError {
  return new ReplayError(
    'REPLAY_VALUE_TOO_FINE',
    `${file}:${row.line}:1`,
    `price ${row.price} or size ${row.size} does not fit.`,
    'Prices have at most 8 decimals and stay below 90 million; sizes have 4 (crypto 8), their sum stays below 900 billion (crypto 90 million).',
  );
}

function summary(lines: readonly Line[], ticks: number): ReplayResult {
  const stats = lines.map((line) => builderStats(line.builder));
  const sum = (count: (each: (typeof stats)[number]) => number) =>
    stats.reduce((total, each) => total + count(each), 0);
  return {
    ticks,
    symbols: lines.map(({ symbol, calendar, candles, gaps }) => ({
      symbol,
      calendar,
      gaps,
      candles: [...candles.values()].sort((a, b) => a.startMs - b.startMs),
    })),
    corrections: sum((each) => each.corrections),
    duplicates: sum((each) => each.duplicates),
    lateTicks: sum((each) => each.lateTicks),
    gaps: sum((each) => each.gaps),
  };
}

/** Runs a tape through the candle builder of the streamer, without sockets and as fast as it goes. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Candle } from '../../lib/domain/market/candle.ts';
import { supersedes } from '../../lib/domain/market/candle.ts';
import {
  type BuilderEffect,
  type BuilderState,
  builderStats,
  createBuilder,
  deadline,
  step,
} from '../../lib/domain/market/candle-builder.ts';
import { parsePrice, parseSize, sizeDecimalsFor } from '../../lib/domain/market/fixed.ts';
import { createCalendar, type SessionCalendar } from '../../lib/domain/market/sessions.ts';
import { readContracts, type TapeContract } from '../tapes/contracts.ts';
import { readTape, type TapeRow } from '../tapes/tape.ts';
import { ReplayError } from './replay-error.ts';

export interface ReplayOptions {
  /** Only this symbol of the tape. */
  readonly symbol?: string;
  readonly intervalMs?: number;
  readonly signal?: AbortSignal;
  /** `total` is 0 while the tape is being read and its length unknown. */
  readonly onProgress?: (phase: 'reading' | 'replaying', done: number, total: number) => void;
}

export interface ReplayedSymbol {
  readonly symbol: string;
  readonly calendar: SessionCalendar;
  /** In time order, flat bars included. */
  readonly candles: readonly Candle[];
}

export interface ReplayResult {
  /** Trades on the tape. */
  readonly ticks: number;
  readonly symbols: readonly ReplayedSymbol[];
  readonly corrections: number;
  readonly duplicates: number;
  readonly lateTicks: number;
  readonly gaps: number;
}

interface Line {
  readonly symbol: string;
  readonly builder: BuilderState;
  readonly calendar: SessionCalendar;
  readonly sizeDecimals: number;
  readonly candles: Map<number, Candle>;
  cumVolume: number;
}

const graceMs = 2_000;
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
  for (const contract of contracts) {
    if (symbol !== undefined && contract.localSymbol !== symbol) continue;
    const line = createLine(contract, intervalMs);
    take(line, step(line.builder, { kind: 'coverage-gained', fromMs: startMs }, startMs).effects);
    lines.set(line.symbol, line);
  }
  const trade = { kind: 'trade' as const, timeMs: 0, price: 0, size: 0, cumVolume: 0 };
  let ticks = 0;
  let nowMs = startMs;
  let dueMs = Number.POSITIVE_INFINITY;
  for (const [index, row] of rows.entries()) {
    if (row.timeMs > nowMs) nowMs = row.timeMs;
    // One clock for all symbols, as the streamer has it.
    if (nowMs >= dueMs) dueMs = closeDue(lines, nowMs);
    const line = lines.get(row.symbol)!;
    if (row.kind === 'trade') {
      ticks += 1;
      trade.timeMs = row.timeMs;
      trade.price = parsePrice(row.price);
      trade.size = parseSize(row.size, line.sizeDecimals);
      line.cumVolume += trade.size;
      trade.cumVolume = line.cumVolume;
      if (Number.isNaN(trade.price) || !Number.isSafeInteger(line.cumVolume)) throw tooFine(file, row);
      take(line, step(line.builder, trade, nowMs).effects);
    } else if (row.kind !== 'quote') {
      const halted = row.kind === 'halt';
      take(line, step(line.builder, { kind: 'halt', halted, atMs: row.timeMs }, nowMs).effects);
    }
    dueMs = Math.min(dueMs, deadline(line.builder));
    if (index % breatheEvery === breatheEvery - 1) {
      onProgress?.('replaying', index + 1, rows.length);
      await breathe();
      signal?.throwIfAborted();
    }
  }
  // The market goes on after the tape for as long as it takes to close its last bar.
  closeDue(lines, Math.floor(nowMs / intervalMs) * intervalMs + intervalMs + graceMs);
  onProgress?.('replaying', rows.length, rows.length);
  return summary([...lines.values()], ticks);
}

function createLine(contract: TapeContract, intervalMs: number): Line {
  const calendar = createCalendar(contract.tradingHours, contract.timeZone);
  const sizeDecimals = sizeDecimalsFor(contract.secType);
  return {
    symbol: contract.localSymbol,
    calendar,
    sizeDecimals,
    candles: new Map(),
    cumVolume: 0,
    builder: createBuilder({
      conId: contract.conId,
      symbol: contract.localSymbol,
      intervalMs,
      graceMs,
      correctionMs: 60_000,
      flatBarsMax: 2,
      volumeSource: 'rtvolume',
      sizeDecimals,
      epoch: 0,
      calendar,
    }),
  };
}

function closeDue(lines: ReadonlyMap<string, Line>, nowMs: number): number {
  let dueMs = Number.POSITIVE_INFINITY;
  for (const line of lines.values()) {
    if (deadline(line.builder) <= nowMs) take(line, step(line.builder, { kind: 'clock' }, nowMs).effects);
    dueMs = Math.min(dueMs, deadline(line.builder));
  }
  return dueMs;
}

function take(line: Line, effects: readonly BuilderEffect[]): void {
  for (const effect of effects) {
    if (effect.kind !== 'candle') continue;
    const { candle } = effect;
    const stored = line.candles.get(candle.startMs);
    if (!stored || supersedes(candle, stored)) line.candles.set(candle.startMs, candle);
  }
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
    symbols: lines.map(({ symbol, calendar, candles }) => ({
      symbol,
      calendar,
      candles: [...candles.values()].sort((a, b) => a.startMs - b.startMs),
    })),
    corrections: sum((each) => each.corrections),
    duplicates: sum((each) => each.duplicates),
    lateTicks: sum((each) => each.lateTicks),
    gaps: sum((each) => each.gaps),
  };
}

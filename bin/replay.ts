import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { Candle } from '../lib/domain/market/candle.ts';
import {
  compareBars,
  type Difference,
  exactly,
  type Parity,
  type Tolerance,
} from '../lib/domain/market/parity.ts';
import { type BarRow, readBars, writeBars } from '../sandbox/replay/bars-csv.ts';
import { areSame, hashInto, type Repeats, repeat, repeatsText } from '../sandbox/replay/repeat.ts';
import { type ReplayResult, replayTape } from '../sandbox/replay/replay.ts';
import { ReplayError } from '../sandbox/replay/replay-error.ts';
import { TapeError } from '../sandbox/tapes/tape.ts';

/**
 * `npm run replay`: a tape through the candle builder. Exit code 0, 1 when bars differ from those of --bars, 2 for
 * bad input, 130 after Ctrl-C.
 */
interface Options {
  readonly tape: string;
  readonly bars?: string;
  readonly out?: string;
  readonly symbol?: string;
  readonly tolerance: Tolerance;
  readonly includeFlat: boolean;
  readonly twice: boolean;
  readonly faults?: number;
  readonly json: boolean;
}

type ListedDifference = Difference & { readonly symbol: string };

const EXIT = { same: 0, different: 1, badInput: 2, interrupted: 130 } as const;
const DIFFERENCES_SHOWN = 10;
const BAR_WIDTH = 30;
const REDRAW_MS = 100;

const createCommand = () =>
  new Command('replay')
    .description('Runs a tape through the candle builder, without sockets and at full speed.')
    .requiredOption('--tape <file>', 'CSV, plain or gzip: time_ms,symbol,price,size and more')
    .option('--bars <file>', 'compare with these bars: time_ms,open,high,low,close,volume')
    .option('--out <file>', 'write the candles as CSV; with a symbol column when there are several symbols')
    .option('--symbol <name>', 'only this symbol of the tape')
    .option(
      '--tolerance <price[,volume]>',
      'what is no difference: price units, share of the volume',
      tolerance,
      exactly,
    )
    .option('--include-flat', 'write flat bars (silent minutes) too', false)
    .option(
      '--twice',
      'replay it a second time: every statement about a bar must be the same to the byte',
      false,
    )
    .option(
      '--faults <seed>',
      'replay it again with prints that are late, doubled and lost, and outages that history fills: the bars must be the same',
      seed,
    )
    .option('--json', 'one line of JSON instead of text', false)
    .addHelpText(
      'after',
      `
Examples
  npm run replay -- --tape day.csv.gz --out bars.csv
  npm run replay -- --tape day.csv.gz --bars vendor.csv --tolerance 0.1,0.02
  npm run replay -- --tape day.csv.gz --twice --faults 7

Exit codes: 0 all exact or within the tolerance, 1 bars differ (from --bars, or between replays), 2 bad input, 130 interrupted.`,
    )
    .exitOverride();

/** Where a run writes to: the process, or a test in its place. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
}

/** @param argv what follows the program's name */
export async function runReplay(argv: readonly string[], streams: Streams): Promise<number> {
  const abort = new AbortController();
  const onSignal = () => abort.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const command = createCommand().configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
    });
    return await replay(command.parse(argv, { from: 'user' }).opts<Options>(), abort.signal, streams);
  } catch (error) {
    if (abort.signal.aborted) {
      streams.stderr.write('Interrupted: nothing was written.\n');
      return EXIT.interrupted;
    }
    // Commander has written its message already; --help is no error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.same : EXIT.badInput;
    if (error instanceof TapeError || error instanceof ReplayError) {
      streams.stderr.write(`${error.message}\n`);
      return EXIT.badInput;
    }
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function replay(options: Options, signal: AbortSignal, streams: Streams): Promise<number> {
  guardInputs(options);
  const reference = options.bars === undefined ? undefined : await readBars(options.bars);
  const progress = createProgress(streams);
  const startedAt = performance.now();
  const base = {
    signal,
    onProgress: progress.show,
    ...(options.symbol === undefined ? {} : { symbol: options.symbol }),
  };
  let result: ReplayResult;
  let repeats: Repeats;
  let seconds: number;
  try {
    const first = createHash('sha256');
    result = await replayTape(options.tape, { ...base, onStatement: hashInto(first) });
    seconds = (performance.now() - startedAt) / 1000;
    repeats = await repeat(options, base, result, first.digest('hex'));
  } finally {
    progress.clear();
  }
  const parity = reference && compare(options, result, reference);
  const candles = result.symbols
    .flatMap((each) => each.candles)
    .filter((candle) => options.includeFlat || candle.source !== 'flat')
    .sort(byTime);
  signal.throwIfAborted();
  if (options.out !== undefined) await writeBars(options.out, candles, result.symbols.length > 1);
  if (options.json) printJson(streams, options, result, candles.length, seconds, parity, repeats);
  else {
    printText(streams, options, result, candles.length, seconds, parity);
    for (const line of repeatsText(repeats)) streams.stdout.write(`${line}\n`);
  }
  const differs = (parity && parity.missing + parity.extra + parity.differs > 0) || !areSame(repeats);
  return differs ? EXIT.different : EXIT.same;
}

function byTime(a: Candle, b: Candle): number {
  return a.startMs - b.startMs || (a.symbol < b.symbol ? -1 : 1);
}

/** The output must not take the place of an input. */
function guardInputs({ tape, bars, out }: Options): void {
  if (out === undefined) return;
  if (resolve(out) === resolve(tape) || (bars !== undefined && resolve(out) === resolve(bars))) {
    throw new ReplayError('REPLAY_OUT_UNWRITABLE', out, 'is an input of this run.', 'Choose another --out.');
  }
}

interface Comparison extends Omit<Parity, 'differences'> {
  readonly differs: number;
  readonly differences: readonly ListedDifference[];
}

function compare(options: Options, result: ReplayResult, reference: readonly BarRow[]): Comparison {
  const several = result.symbols.length > 1;
  if (several && reference.some((bar) => bar.symbol === undefined)) {
    throw new ReplayError(
      'BARS_NEED_SYMBOL',
      options.bars!,
      `the tape has ${result.symbols.map((each) => each.symbol).join(', ')}, but the bars have no symbol column.`,
      'Add one, or choose with --symbol.',
    );
  }
  const total = { bars: 0, exact: 0, tolerated: 0, missing: 0, extra: 0, flat: 0, differs: 0 };
  const differences: ListedDifference[] = [];
  const known = new Set(result.symbols.map((each) => each.symbol));
  for (const { symbol } of reference) {
    if (symbol === undefined || known.has(symbol) || options.symbol !== undefined) continue;
    throw new ReplayError(
      'REPLAY_UNKNOWN_SYMBOL',
      options.bars!,
      `has bars of ${symbol}, the tape has none.`,
      'Check the pair of files.',
    );
  }
  for (const { symbol, calendar, candles } of result.symbols) {
    const own = reference.filter((bar) => bar.symbol === undefined || bar.symbol === symbol);
    const report = compareBars(candles, own, (ms) => calendar.sessionDateAt(ms), options.tolerance);
    for (const count of Object.keys(total) as (keyof typeof total)[]) {
      total[count] += report.days.reduce((sum, day) => sum + day[count], 0);
    }
    differences.push(...report.differences.map((difference) => ({ ...difference, symbol })));
  }
  differences.sort((a, b) => a.startMs - b.startMs);
  return { ...total, differences };
}

function printJson(
  { stdout }: Streams,
  { tape, out }: Options,
  { ticks, symbols, corrections, duplicates, lateTicks, gaps }: ReplayResult,
  candles: number,
  seconds: number,
  parity: Comparison | undefined,
  repeats: Repeats,
): void {
  const summary = {
    tape,
    symbols: symbols.map((each) => each.symbol),
    ticks,
    candles,
    corrections,
    duplicates,
    lateTicks,
    gaps,
    seconds: Math.round(seconds * 1000) / 1000,
    ...(out === undefined ? {} : { out }),
    ...(parity && { ...parity, differences: parity.differences.slice(0, DIFFERENCES_SHOWN) }),
    ...repeats,
  };
  stdout.write(`${JSON.stringify(summary)}\n`);
}

function printText(
  { stdout }: Streams,
  { tape, bars, out }: Options,
  { ticks, symbols, corrections, lateTicks }: ReplayResult,
  candles: number,
  seconds: number,
  parity: Comparison | undefined,
): void {
  const say = (text: string) => stdout.write(`${text}\n`);
  const names = symbols.map((each) => each.symbol).join(', ');
  say(
    `${basename(tape)} (${names}): ${count(ticks)} ticks, ${count(candles)} candles, ${seconds.toFixed(2)} s`,
  );
  if (corrections + lateTicks > 0) say(`${count(corrections)} corrections, ${count(lateTicks)} late ticks`);
  if (out !== undefined) say(`Written to ${out}`);
  if (!parity) return;
  say(`${count(parity.exact)} of ${count(parity.bars)} bars of ${basename(bars!)} are exact.`);
  if (parity.tolerated > 0) say(`${count(parity.tolerated)} more are within the tolerance.`);
  if (parity.flat > 0) say(`${count(parity.flat)} flat bars of ours, for silent minutes, are not compared.`);
  const { differences } = parity;
  if (differences.length === 0) return;
  say(
    `${count(parity.differs)} differ, ${count(parity.missing)} are missing, ${count(parity.extra)} are extra. First of them:`,
  );
  for (const difference of differences.slice(0, DIFFERENCES_SHOWN)) say(`  ${describe(difference)}`);
}

function describe({ symbol, startMs, kind, fields, ours, reference }: ListedDifference): string {
  const at = `${new Date(startMs).toISOString()} ${symbol} ${kind}`;
  if (kind === 'differs') {
    return `${at}: ${fields.map((field) => `${field} ${ours![field]}, not ${reference![field]}`).join('; ')}`;
  }
  const bar = (ours ?? reference)!;
  return `${at}: ${[bar.open, bar.high, bar.low, bar.close, bar.volume].join(' ')}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** A bar on the terminal's own line, nothing at all elsewhere. Kept off stdout, which may be piped. */
function createProgress({ stderr }: Streams) {
  let drawnAt = performance.now();
  let drawn = false;
  return {
    show: (phase: 'reading' | 'replaying', done: number, total: number) => {
      const nowAt = performance.now();
      if (!stderr.isTTY || nowAt - drawnAt < REDRAW_MS) return;
      drawnAt = nowAt;
      drawn = true;
      const filled = total === 0 ? 0 : Math.round((done / total) * BAR_WIDTH);
      const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
      const part = total === 0 ? '' : ` ${Math.floor((done / total) * 100)} %`;
      stderr.write(
        `\r\u001B[K${phase === 'reading' ? 'Reading' : 'Replaying'} ${bar}${part} ${count(done)} rows`,
      );
    },
    clear: () => {
      if (drawn) stderr.write('\r\u001B[K');
    },
  };
}

function seed(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 4_294_967_295)
    throw new InvalidArgumentError('Give a whole number from 0 to 4294967295.');
  return value;
}

function tolerance(text: string): Tolerance {
  const found = /^(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?$/.exec(text);
  if (!found)
    throw new InvalidArgumentError('Give a price, or a price and a share of the volume: 0.1 or 0.1,0.02.');
  return { price: found[1]!, volume: found[2] ?? '0' };
}

// Loaded by a test it only offers itself.
if (import.meta.main) process.exitCode = await runReplay(process.argv.slice(2), process);

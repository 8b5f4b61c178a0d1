/**
 * Bars as CSV: `time_ms,open,high,low,close,volume`, time being the start of the bar, Unix ms UTC. A `symbol` column
 * after the time is written when a tape has several symbols, and understood in any place.
 */
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Candle } from '../../lib/domain/market/candle.ts';
import type { ReferenceBar } from '../../lib/domain/market/parity.ts';
import { readLines } from '../tapes/tape-lines.ts';
import { ReplayError } from './replay-error.ts';

export interface BarRow extends ReferenceBar {
  /** Undefined where the file has no symbol column. */
  readonly symbol: string | undefined;
}

const numberColumns = ['open', 'high', 'low', 'close', 'volume'] as const;
const numberText = /^-?\d{1,18}(\.\d{1,18})?$/;
const timeText = /^\d{1,15}$/;

/** Reads bars, plain or gzip. Throws `ReplayError` with line and column, `TapeError` for a file that cannot be read. */
export async function readBars(file: string): Promise<BarRow[]> {
  const bars: BarRow[] = [];
  const seen = new Map<string, number>();
  let columns: readonly string[] | undefined;
  for await (const { text, line } of readLines(file)) {
    if (columns === undefined) {
      columns = parseHeader(file, text);
      continue;
    }
    if (text === '') continue;
    const bar = parseRow(file, columns, text, line);
    const key = `${bar.symbol ?? ''} ${bar.startMs}`;
    const before = seen.get(key);
    if (before !== undefined) {
      throw malformed(
        file,
        line,
        1,
        `the bar of ${bar.startMs} is on line ${before} already.`,
        'Keep one of them.',
      );
    }
    seen.set(key, line);
    bars.push(bar);
  }
  if (bars.length === 0) {
    throw new ReplayError('BARS_EMPTY', file, 'there are no bars to compare with.', 'Give a file with bars.');
  }
  return bars;
}

function parseHeader(file: string, text: string): readonly string[] {
  const columns = text.split(',').map((name) => name.trim());
  const known: readonly string[] = ['time_ms', 'symbol', ...numberColumns];
  const missing = known.filter((name) => name !== 'symbol' && !columns.includes(name));
  const unknown = columns.filter((name, index) => !known.includes(name) || columns.indexOf(name) !== index);
  if (missing.length === 0 && unknown.length === 0) return columns;
  const what =
    missing.length > 0 ? `missing ${missing.join(', ')}` : `unknown or repeated ${unknown.join(', ')}`;
  throw new ReplayError(
    'BARS_BAD_HEADER',
    `${file}:1:1`,
    `bad header: ${what}.`,
    'Line 1 must be time_ms,open,high,low,close,volume; a symbol column is optional.',
  );
}

function parseRow(file: string, columns: readonly string[], text: string, line: number): BarRow {
  const values = text.split(',');
  if (values.length !== columns.length) {
    const what = `the row has ${values.length} fields, the header ${columns.length}.`;
    throw malformed(file, line, 1, what, 'Give every row the fields of the header.');
  }
  const field = (name: string, allowed: RegExp, what: string): string => {
    const index = columns.indexOf(name);
    const value = values[index]!;
    if (allowed.test(value)) return value;
    const column = values.slice(0, index).join(',').length + (index === 0 ? 1 : 2);
    throw malformed(file, line, column, `${name} is ${JSON.stringify(value)}.`, `Allowed: ${what}.`);
  };
  const number = (name: string) => field(name, numberText, 'a decimal number without exponent');
  return {
    startMs: Number(field('time_ms', timeText, 'Unix milliseconds (UTC), the start of the bar')),
    symbol: columns.includes('symbol') ? field('symbol', /./, 'a symbol') : undefined,
    open: number('open'),
    high: number('high'),
    low: number('low'),
    close: number('close'),
    volume: number('volume'),
  };
}

function malformed(file: string, line: number, column: number, what: string, todo: string): ReplayError {
  return new ReplayError('BARS_MALFORMED_ROW', `${file}:${line}:${column}`, what, todo);
}

/**
 * Writes candles, all of them or none: into a file beside the target, which then takes its place. Throws
 * `ReplayError` when that fails.
 */
export async function writeBars(
  file: string,
  candles: readonly Candle[],
  withSymbol: boolean,
): Promise<void> {
  const lines = candles.map(({ startMs, symbol, open: first, high, low, close, volume }) =>
    [startMs, ...(withSymbol ? [symbol] : []), first, high, low, close, volume].join(','),
  );
  const header = `time_ms,${withSymbol ? 'symbol,' : ''}open,high,low,close,volume`;
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(`${[header, ...lines].join('\n')}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    const reason = (error as Error).message;
    throw new ReplayError(
      'REPLAY_OUT_UNWRITABLE',
      file,
      `cannot be written (${reason}).`,
      'Check the folder.',
      {
        cause: error,
      },
    );
  }
}

import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { Decimal } from 'decimal.js';
import type { Candle } from '../../lib/domain/market/candle.ts';

/** One bar as text: `open,high,low,close,volume`, canonical decimals. */
export type ReferenceBars = ReadonlyMap<number, string>;

/**
 * One-minute bars of a tape by the plainest means: split the line, floor the minute, compare decimals. It shares no
 * code with the product, so that a mistake cannot cancel out.
 */
export async function aggregateTape(
  file: string,
): Promise<{ readonly bars: ReferenceBars; readonly rows: number }> {
  const raw = createReadStream(file);
  const input = createInterface({ input: file.endsWith('.gz') ? raw.pipe(createGunzip()) : raw });
  const open = new Map<number, { o: Decimal; h: Decimal; l: Decimal; c: Decimal; v: Decimal }>();
  let columns: string[] | undefined;
  let rows = 0;
  for await (const line of input) {
    const fields = line.split(',');
    if (!columns) {
      columns = fields;
      continue;
    }
    const at = (name: string): string => fields[columns!.indexOf(name)] ?? '';
    if (columns.includes('kind') && at('kind') !== '' && at('kind') !== 'trade') continue;
    rows += 1;
    const minute = Math.floor(Number(at('time_ms')) / 60_000) * 60_000;
    const price = new Decimal(at('price'));
    const bar = open.get(minute);
    if (!bar) open.set(minute, { o: price, h: price, l: price, c: price, v: new Decimal(at('size')) });
    else {
      bar.h = Decimal.max(bar.h, price);
      bar.l = Decimal.min(bar.l, price);
      bar.c = price;
      bar.v = bar.v.plus(at('size'));
    }
  }
  const bars = new Map<number, string>();
  for (const [minute, { o, h, l, c, v }] of open)
    bars.set(minute, [o, h, l, c, v].map((value) => value.toFixed()).join(','));
  return { bars, rows };
}

/** A vendor's `time_ms,open,high,low,close,volume`. */
export async function vendorBars(file: string): Promise<ReferenceBars> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n').slice(1);
  return new Map(
    lines.map((line) => {
      const [time, ...values] = line.split(',');
      return [Number(time), values.map((value) => new Decimal(value).toFixed()).join(',')];
    }),
  );
}

export interface Comparison {
  readonly bars: number;
  readonly exact: number;
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly different: readonly string[];
  readonly partial: number;
  readonly flat: number;
  readonly backfilled: number;
}

/** Candles of the table beside the reference; flat ones are counted apart. */
export function compareCandles(candles: readonly Candle[], reference: ReferenceBars): Comparison {
  const at = (ms: number): string => new Date(ms).toISOString();
  const traded = candles.filter((candle) => candle.source !== 'flat');
  const byStart = new Map<number, string>();
  const extra: string[] = [];
  for (const candle of traded) {
    if (byStart.has(candle.startMs)) extra.push(`${at(candle.startMs)} twice`);
    const { open, high, low, close, volume } = candle;
    byStart.set(
      candle.startMs,
      [open, high, low, close, volume].map((value) => new Decimal(value).toFixed()).join(','),
    );
    if (!reference.has(candle.startMs)) extra.push(at(candle.startMs));
  }
  const missing: string[] = [];
  const different: string[] = [];
  let exact = 0;
  for (const [startMs, bar] of reference) {
    const own = byStart.get(startMs);
    if (own === undefined) missing.push(at(startMs));
    else if (own === bar) exact += 1;
    else different.push(`${at(startMs)} ${own} instead of ${bar}`);
  }
  return {
    bars: reference.size,
    exact,
    missing,
    extra,
    different,
    partial: candles.filter((candle) => candle.partial).length,
    flat: candles.length - traded.length,
    backfilled: candles.filter((candle) => candle.source === 'backfill').length,
  };
}

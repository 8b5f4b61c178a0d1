/** Candles out of the archive, as they were in the table. */
import { candleOfRow } from '../domain/archive/candle-rows.ts';
import { candleColumns } from '../domain/archive/columns.ts';
import {
  archiveKey,
  dayMarkers,
  dayOfKey,
  dayOfMarker,
  dayOfMs,
  symbolPrefix,
} from '../domain/archive/keys.ts';
import type { Candle } from '../domain/market/candle.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { readParquet } from './parquet-file.ts';

/** Files that are fetched at the same time. */
const atOnce = 8;

export interface ArchivedRange {
  readonly symbol: string;
  readonly intervalMs: number;
  /** Only of this instrument; of all that have the symbol when left out. */
  readonly conId?: number | undefined;
  /** Unix milliseconds, UTC; from inclusive, to exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Only so many, the latest of the range. */
  readonly latest?: number | undefined;
}

/** The days that are archived, `yyyy-mm-dd` UTC, in order. */
export async function archivedDays(store: ObjectStore): Promise<readonly string[]> {
  const days: string[] = [];
  for await (const { key } of store.list(dayMarkers)) {
    const day = dayOfMarker(key);
    if (day !== undefined) days.push(day);
  }
  return days;
}

/** The days of which the archive has candles of a symbol, in order. */
export async function candleDays(store: ObjectStore, symbol: string): Promise<readonly string[]> {
  const days: string[] = [];
  for await (const { key } of store.list(symbolPrefix('candles', symbol))) {
    const day = dayOfKey(key);
    if (day !== undefined) days.push(day);
  }
  return days;
}

/**
 * The candles of a range in order of their start.
 *
 * @param days of the symbol, as `candleDays` has them
 * @throws ArchiveFileError for a file that cannot be read
 */
export async function readArchivedCandles(
  store: ObjectStore,
  days: readonly string[],
  range: ArchivedRange,
): Promise<readonly Candle[]> {
  const { fromMs, toMs, latest } = range;
  if (toMs <= fromMs) return [];
  const wanted = days.filter((day) => day >= dayOfMs(fromMs) && day <= dayOfMs(toMs - 1));
  let found: Candle[] = [];
  // From the end, so that the latest few need only the last days.
  for (let end = wanted.length; end > 0; end -= atOnce) {
    const some = wanted.slice(Math.max(0, end - atOnce), end);
    const read = await Promise.all(some.map((day) => candlesOfDay(store, day, range)));
    found = read.flat().concat(found);
    if (latest !== undefined && found.length >= latest) break;
  }
  return latest === undefined ? found : found.slice(-latest);
}

async function candlesOfDay(store: ObjectStore, day: string, range: ArchivedRange): Promise<Candle[]> {
  const { symbol, intervalMs, conId, fromMs, toMs } = range;
  const key = archiveKey('candles', symbol, day);
  const bytes = await store.get(key);
  const rows = bytes === undefined ? [] : await readParquet(key, bytes, candleColumns);
  return rows
    .map(candleOfRow)
    .filter(
      (candle) =>
        candle.intervalMs === intervalMs &&
        (conId === undefined || candle.conId === conId) &&
        candle.startMs >= fromMs &&
        candle.startMs < toMs,
    );
}

/** Candles as rows of the archive, and which of two stays. */
import { type Candle, supersedes } from '../market/candle.ts';
import type { ArchiveRow } from './columns.ts';

export function candleRow(candle: Candle): ArchiveRow {
  return {
    bar_start: candle.startMs,
    interval_ms: candle.intervalMs,
    con_id: candle.conId,
    local_symbol: candle.symbol,
    session_date: candle.sessionDate,
    open: candle.open,
    high: candle.high,
    low: candle.low,
    close: candle.close,
    volume: candle.volume,
    tick_count: candle.tickCount,
    source: candle.source,
    volume_source: candle.volumeSource,
    partial: candle.partial,
    no_trades: candle.noTrades,
    epoch: candle.epoch,
    revision: candle.revision,
  };
}

/** The candle of a row that has the columns of the archive. */
export function candleOfRow(row: ArchiveRow): Candle {
  const text = (name: string) => String(row[name]);
  const whole = (name: string) => Number(row[name]);
  return {
    conId: whole('con_id'),
    symbol: text('local_symbol'),
    intervalMs: whole('interval_ms'),
    startMs: whole('bar_start'),
    sessionDate: text('session_date'),
    open: text('open'),
    high: text('high'),
    low: text('low'),
    close: text('close'),
    volume: text('volume'),
    tickCount: whole('tick_count'),
    // Only candles become rows, so these two are the domain's own words.
    source: text('source') as Candle['source'],
    volumeSource: text('volume_source') as Candle['volumeSource'],
    partial: row.partial === true,
    noTrades: row.no_trades === true,
    epoch: whole('epoch'),
    revision: whole('revision'),
  };
}

/**
 * The candles of a day: of one instrument, interval and start the better one (`supersedes`), wherever it comes from.
 * What only the archive has stays: the table forgets.
 */
export function mergeCandles(archived: readonly Candle[], fresh: readonly Candle[]): Candle[] {
  const merged = new Map<string, Candle>();
  for (const candle of [...archived, ...fresh]) {
    const key = `${candle.intervalMs} ${candle.conId} ${candle.startMs}`;
    const stored = merged.get(key);
    if (stored === undefined || supersedes(candle, stored)) merged.set(key, candle);
  }
  return [...merged.values()].sort(
    (a, b) => a.intervalMs - b.intervalMs || a.startMs - b.startMs || a.conId - b.conId,
  );
}

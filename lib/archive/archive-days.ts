/** Archives days: candles from their table, changes of positions from the audit trail, then the marker of the day. */
import { candleRow } from '../domain/archive/candle-rows.ts';
import type { ArchiveRow } from '../domain/archive/columns.ts';
import { type DayMarker, markerOf, markerText, mergeMarkers } from '../domain/archive/day-marker.ts';
import { type ArchiveFolder, dayAfter, dayMarkerKey, dayOfMs, startOfDay } from '../domain/archive/keys.ts';
import { type KnownSymbols, learnSymbol, positionChanges } from '../domain/archive/position-rows.ts';
import { dayOf } from '../domain/audit/row.ts';
import type { PositionBody } from '../domain/book/accounts.ts';
import type { Candle } from '../domain/market/candle.ts';
import type { ArchiveSource, CandleSeries } from '../ports/archive-source.ts';
import type { AuditTrail } from '../ports/audit-trail.ts';
import type { BookReader, BookRef } from '../ports/book.ts';
import type { CandleStore } from '../ports/candle-store.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { mergeIntoFile } from './archive-file.ts';

/** Instruments, and files, that are under way at the same time. */
const atOnce = 8;

export interface ArchiveParts {
  readonly source: ArchiveSource;
  readonly candles: Pick<CandleStore, 'query'>;
  readonly audit: Pick<AuditTrail, 'chains' | 'rows'>;
  readonly book: Pick<BookReader, 'list'>;
  readonly store: ObjectStore;
  /** The item that a sort key of the book names. */
  readonly refOf: (sortKey: string) => BookRef | undefined;
  readonly nowMs: () => number;
}

export interface ArchivedDay {
  /** `yyyy-mm-dd`, UTC. */
  readonly date: string;
  /** Rows that the archive has now, of what was looked at. */
  readonly candles: number;
  readonly positions: number;
  readonly files: number;
  /** Files that were new or changed. */
  readonly written: number;
  readonly bytes: number;
}

export interface ArchiveReport {
  readonly days: readonly ArchivedDay[];
  /** What is not in the archive and should be, in words. Its days have no new marker. */
  readonly failures: readonly string[];
}

/**
 * Safe to repeat and to interrupt: each file is merged with what is there. What fails for one symbol does not keep the
 * others out.
 *
 * @param days in order, `yyyy-mm-dd` UTC
 * @throws what the listing of instruments or accounts throws; then nothing was archived
 */
export async function archiveDays(days: readonly string[], parts: ArchiveParts): Promise<ArchiveReport> {
  const series = await all(parts.source.series());
  const accounts = await all(parts.source.accounts());
  const trail = await readTrail(days, accounts, parts);
  const failures = [...trail.failures];
  const archived: ArchivedDay[] = [];
  for (const day of days) {
    const run = new DayRun(day, parts);
    await run.candles(series);
    await run.positions(trail.changes.get(day) ?? new Map());
    if (run.failures.length === 0 && trail.failures.length === 0) await run.mark();
    failures.push(...run.failures);
    archived.push(run.report());
  }
  return { days: archived, failures };
}

/** One day of one run. */
class DayRun {
  readonly #day: string;
  readonly #parts: ArchiveParts;
  readonly #counts: Record<ArchiveFolder, Record<string, number>> = { candles: {}, positions: {} };
  #files = 0;
  #written = 0;
  #bytes = 0;
  readonly failures: string[] = [];

  constructor(day: string, parts: ArchiveParts) {
    this.#day = day;
    this.#parts = parts;
  }

  async candles(series: readonly CandleSeries[]): Promise<void> {
    for (const some of chunks(series)) {
      const found = await Promise.all(some.map((one) => this.#candlesOf(one)));
      // Two instruments may have one symbol: together they are one file.
      const bySymbol = Map.groupBy(found.flat(), ({ symbol }) => symbol);
      await this.#merge('candles', new Map([...bySymbol].map(([symbol, of]) => [symbol, of.map(candleRow)])));
    }
  }

  async #candlesOf({ conId, intervalMs }: CandleSeries): Promise<Candle[]> {
    const [fromMs, toMs] = [startOfDay(this.#day), startOfDay(dayAfter(this.#day))];
    try {
      return await all(this.#parts.candles.query({ conId, intervalMs, fromMs, toMs }));
    } catch (error) {
      this.failures.push(`candles of conId ${conId} on ${this.#day}: ${wordsOf(error)}`);
      return [];
    }
  }

  async positions(changes: ReadonlyMap<string, readonly ArchiveRow[]>): Promise<void> {
    await this.#merge('positions', changes);
  }

  async #merge(folder: ArchiveFolder, rows: ReadonlyMap<string, readonly ArchiveRow[]>): Promise<void> {
    for (const some of chunks([...rows])) {
      await Promise.all(some.map(([symbol, of]) => this.#mergeFile(folder, symbol, of)));
    }
  }

  async #mergeFile(folder: ArchiveFolder, symbol: string, rows: readonly ArchiveRow[]): Promise<void> {
    const where = `${folder} of ${symbol} on ${this.#day}`;
    try {
      const file = await mergeIntoFile(this.#parts.store, { folder, symbol, day: this.#day }, rows);
      this.failures.push(...file.misfits.map((misfit) => `${where}: a row was left out, its ${misfit}`));
      if (file.rows === 0) return;
      this.#counts[folder][symbol] = file.rows;
      this.#files += 1;
      this.#written += file.written ? 1 : 0;
      this.#bytes += file.bytes;
    } catch (error) {
      this.failures.push(`${where}: ${wordsOf(error)}`);
    }
  }

  /** A day that is not over is not archived yet, whatever is there of it. */
  async mark(): Promise<void> {
    const { store, nowMs } = this.#parts;
    if (this.#day >= dayOfMs(nowMs())) return;
    const key = dayMarkerKey(this.#day);
    const former = await store.get(key);
    const before = former && new TextDecoder().decode(former);
    const marker: DayMarker = { date: this.#day, ...this.#counts };
    const text = markerText(mergeMarkers(before === undefined ? undefined : markerOf(before), marker));
    if (text === before) return;
    await store.put({ key, body: new TextEncoder().encode(text), contentType: 'application/json' });
  }

  report(): ArchivedDay {
    return {
      date: this.#day,
      candles: total(this.#counts.candles),
      positions: total(this.#counts.positions),
      files: this.#files,
      written: this.#written,
      bytes: this.#bytes,
    };
  }
}

/** Changes of positions by day and symbol, of every account; the trail is walked once for all days. */
async function readTrail(days: readonly string[], accounts: readonly string[], parts: ArchiveParts) {
  const changes = new Map<string, Map<string, ArchiveRow[]>>();
  const failures: string[] = [];
  const [first, last] = [days[0] ?? '', days.at(-1) ?? ''];
  for (const account of accounts) {
    try {
      const known = await symbolsOf(account, parts);
      for (const { writer } of await parts.audit.chains(account)) {
        for await (const row of parts.audit.rows(account, writer, first)) {
          const day = dayOf(row.at);
          if (day > last) break;
          if (day < first) continue;
          for (const { symbol, row: change } of positionChanges(row, conIdIn(parts), known)) {
            const bySymbol = changes.get(day) ?? new Map<string, ArchiveRow[]>();
            changes.set(day, bySymbol);
            bySymbol.set(symbol, [...(bySymbol.get(symbol) ?? []), change]);
          }
        }
      }
    } catch (error) {
      failures.push(`positions of account ${account}: ${wordsOf(error)}`);
    }
  }
  return { changes, failures };
}

async function symbolsOf(account: string, { book }: ArchiveParts): Promise<KnownSymbols> {
  const known: KnownSymbols = new Map();
  for await (const { body } of book.list(account, 'position'))
    learnSymbol(body as unknown as PositionBody, known);
  return known;
}

function conIdIn({ refOf }: ArchiveParts) {
  return (item: string): number | undefined => {
    const ref = refOf(item);
    return ref?.kind === 'position' ? Number(ref.id) : undefined;
  };
}

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of from) found.push(one);
  return found;
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += atOnce) yield items.slice(from, from + atOnce);
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

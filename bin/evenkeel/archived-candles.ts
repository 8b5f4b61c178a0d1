/** `evenkeel candles --from-archive`: the same bars out of the daily Parquet files. */
import { archivedDays, candleDays, readArchivedCandles } from '../../lib/archive/archived-candles.ts';
import { dayAfter, dayOfMs, daysBetween, startOfDay } from '../../lib/domain/archive/keys.ts';
import type { Candle } from '../../lib/domain/market/candle.ts';
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import { CliError } from './exit.ts';
import { findInstrument, type KnownInstrument } from './instruments.ts';
import { count } from './view.ts';

export interface ArchiveQuestion {
  /** As it was typed: local symbol, root or conId. */
  readonly given: string;
  readonly known: readonly KnownInstrument[];
  readonly intervalMs: number;
  /** No bar begins later, Unix milliseconds UTC. */
  readonly newestMs: number;
  /** Unix milliseconds, UTC; from inclusive, to exclusive. */
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly latest: number | undefined;
}

export interface ArchiveAnswer {
  readonly instrument: KnownInstrument;
  readonly candles: readonly Candle[];
  /** Days of the range that are not archived, `yyyy-mm-dd` UTC. */
  readonly notArchived: readonly string[];
}

/**
 * @throws CliError SYMBOL_UNKNOWN, SYMBOL_AMBIGUOUS, SYMBOL_NEEDED; DAY_NOT_ARCHIVED when nothing of the range is
 * archived
 */
export async function readArchive(store: ObjectStore, question: ArchiveQuestion): Promise<ArchiveAnswer> {
  const { intervalMs, newestMs, fromMs, toMs = newestMs + intervalMs, latest } = question;
  const { symbol, instrument, days } = await findArchived(store, question);
  const archived = await archivedDays(store);
  const first = fromMs === undefined ? days[0] : dayOfMs(fromMs);
  const last = dayOfMs(Math.min(toMs - 1, newestMs));
  // Without a range, what is there is what was asked for.
  const isRange = question.fromMs !== undefined || question.toMs !== undefined;
  const notArchived = isRange ? missing(first ?? last, last, archived) : [];
  const candles = await readArchivedCandles(store, days, {
    symbol,
    intervalMs,
    conId: instrument?.conId,
    fromMs: fromMs ?? startOfDay(days[0] ?? last),
    toMs,
    latest,
  });
  if (candles.length === 0 && (notArchived.length > 0 || archived.length === 0))
    throw notThere(notArchived, archived);
  return { instrument: instrument ?? onlyInstrument(symbol, candles), candles, notArchived };
}

/** A contract that has expired is in the archive long after the stage has forgotten it. */
async function findArchived(store: ObjectStore, { given, known }: ArchiveQuestion) {
  try {
    const instrument = findInstrument(given, known);
    const symbol = instrument.name;
    if (known.includes(instrument)) return { symbol, instrument, days: await candleDays(store, symbol) };
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'SYMBOL_UNKNOWN') throw error;
    for (const symbol of new Set([given, given.toUpperCase()])) {
      const days = await candleDays(store, symbol);
      if (days.length > 0) return { symbol, instrument: undefined, days };
    }
    throw new CliError(error.code, `${error.message} The archive has no bars of it either.`);
  }
  throw new CliError(
    'SYMBOL_NEEDED',
    `The archive is kept by symbol, and this stage does not know the symbol of conId ${given}. Name the local symbol, for example GCZ5.`,
  );
}

function onlyInstrument(symbol: string, candles: readonly Candle[]): KnownInstrument {
  const [conId = 0, ...more] = new Set(candles.map((candle) => candle.conId));
  if (more.length > 0) {
    throw new CliError(
      'SYMBOL_AMBIGUOUS',
      `In that time ${symbol} is ${[conId, ...more].map((each) => `conId ${each}`).join(' and ')}. Narrow the range with --from and --to.`,
    );
  }
  return { conId, name: symbol, root: symbol };
}

function missing(first: string, last: string, archived: readonly string[]): string[] {
  const there = new Set(archived);
  return daysBetween(first, last).filter((day) => !there.has(day));
}

function notThere(notArchived: readonly string[], archived: readonly string[]): CliError {
  const [first] = archived;
  const has =
    first === undefined
      ? 'it has no day yet'
      : `it has ${first} to ${archived.at(-1)} (${count(archived.length, 'day')})`;
  const which = notArchived.length === 0 ? 'Nothing is' : `${spans(notArchived)} is not`;
  return new CliError(
    'DAY_NOT_ARCHIVED',
    `${which} in the archive; ${has}. A day is archived in the night after it, UTC. ` +
      'Without --from-archive the table is read; docs/archive.md says how to archive a day now.',
  );
}

/** `2026-01-05 to 2026-01-07, 2026-01-09` */
export function spans(days: readonly string[]): string {
  const found: { first: string; last: string }[] = [];
  for (const day of days) {
    const current = found.at(-1);
    if (current !== undefined && dayAfter(current.last) === day) current.last = day;
    else found.push({ first: day, last: day });
  }
  return found.map(({ first, last }) => (first === last ? first : `${first} to ${last}`)).join(', ');
}

import { InvalidArgumentError, Option } from 'commander';
import { Decimal } from 'decimal.js';
import type { Candle } from '../../lib/domain/market/candle.ts';
import type { CandleStore } from '../../lib/ports/candle-store.ts';
import { type ArchiveAnswer, type ArchiveQuestion, readArchive, spans } from './archived-candles.ts';
import { pricePlaces } from './candle-columns.ts';
import { plotCandles } from './candle-plot.ts';
import { type Cli, progress } from './cli.ts';
import { CliError } from './exit.ts';
import { findInstrument, type KnownInstrument, knownInstruments } from './instruments.ts';
import { counted, createMeter } from './meter.ts';
import type { Session } from './session.ts';
import { count, facts, grouped, iso, table, time, type View } from './view.ts';
import { parseWhen, whenHelp } from './when.ts';

const latestByDefault = 20;
/** A plot has room for more than a list. */
const plottedByDefault = 60;
const latestMax = 100_000;
/** Before it no candle is looked for. */
const startOfTimeMs = Date.UTC(1990, 0);

export interface CandleRequest {
  readonly conId: number;
  readonly intervalMs: number;
  /** No bar begins later: the later of the system and the market clock, Unix milliseconds UTC. */
  readonly newestMs: number;
  /** Unix milliseconds, UTC; from inclusive, to exclusive. Neither: the latest ones. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Only so many, the latest of the range. */
  readonly latest?: number | undefined;
}

/** The candles that were asked for, in order of their start. */
export async function readCandles(
  store: Pick<CandleStore, 'query'>,
  request: CandleRequest,
): Promise<readonly Candle[]> {
  const { conId, intervalMs, fromMs = startOfTimeMs, toMs = request.newestMs + intervalMs, latest } = request;
  if (latest === undefined) return collect(store, { conId, intervalMs, fromMs, toMs });
  // The store reads forward only, so windows that double go back from the end until there are enough.
  let found: Candle[] = [];
  let end = toMs;
  let length = Math.max(latest, 60) * intervalMs;
  while (found.length < latest && end > fromMs) {
    const start = Math.max(fromMs, end - length);
    found = (await collect(store, { conId, intervalMs, fromMs: start, toMs: end })).concat(found);
    end = start;
    length *= 2;
  }
  return found.slice(-latest);
}

async function collect(
  store: Pick<CandleStore, 'query'>,
  range: Parameters<CandleStore['query']>[0],
): Promise<Candle[]> {
  const candles: Candle[] = [];
  for await (const candle of store.query(range)) candles.push(candle);
  return candles;
}

/** Figures over candles; prices and volume are decimal text, null where there is none. */
export interface CandleStats {
  readonly total: number;
  /** Starts of the first and the last bar; ISO-8601, UTC. */
  readonly first: string | null;
  readonly last: string | null;
  readonly sources: { readonly live: number; readonly flat: number; readonly backfill: number };
  readonly partial: number;
  readonly corrected: number;
  readonly withoutTrades: number;
  readonly volume: string;
  readonly high: string | null;
  readonly low: string | null;
}

export function statsOf(candles: readonly Candle[]): CandleStats {
  const number = (matches: (candle: Candle) => boolean) => candles.filter(matches).length;
  const extreme = (pick: 'max' | 'min', values: readonly string[]) =>
    values.length === 0 ? null : values.reduce((a, b) => Decimal[pick](a, b).toFixed());
  return {
    total: candles.length,
    first: iso(candles[0]?.startMs ?? null),
    last: iso(candles.at(-1)?.startMs ?? null),
    sources: {
      live: number(({ source }) => source === 'live'),
      flat: number(({ source }) => source === 'flat'),
      backfill: number(({ source }) => source === 'backfill'),
    },
    partial: number(({ partial }) => partial),
    corrected: number(({ revision }) => revision > 0),
    withoutTrades: number(({ noTrades }) => noTrades),
    volume: candles.reduce((sum, { volume }) => sum.plus(volume), new Decimal(0)).toFixed(),
    high: extreme(
      'max',
      candles.map(({ high }) => high),
    ),
    low: extreme(
      'min',
      candles.map(({ low }) => low),
    ),
  };
}

export function showCandles(instrument: KnownInstrument, candles: readonly Candle[], view: View): string {
  if (candles.length === 0) return noCandle(instrument);
  const places = pricePlaces(candles);
  const rows = candles.map((candle) => [
    time(view, candle.startMs),
    ...[candle.open, candle.high, candle.low, candle.close].map((price) => grouped(padded(price, places))),
    grouped(candle.volume),
    candle.partial ? `${candle.source}, partial` : candle.source,
  ]);
  const numbers = ['open', 'high', 'low', 'close', 'volume'].map((name) => ({ name, right: true }));
  return `${table(view, [{ name: `${instrument.name}, start` }, ...numbers, { name: 'source' }], rows)}\n${view.colours.dim(
    `${count(candles.length, 'candle')}, times in ${view.timeZone}`,
  )}`;
}

function noCandle({ name, conId }: KnownInstrument): string {
  return `No candle of ${name} (conId ${conId}) in that time.`;
}

function placesOf(price: string): number {
  return price.split('.')[1]?.length ?? 0;
}

/** `2729` beside `2728.9` is `2729.0`. */
function padded(price: string, places: number): string {
  return placesOf(price) === 0 && places > 0
    ? `${price}.${'0'.repeat(places)}`
    : price + '0'.repeat(places - placesOf(price));
}

export function showStats(instrument: KnownInstrument, stats: CandleStats, view: View): string {
  const { live, flat, backfill } = stats.sources;
  return facts(view, [
    ['instrument', `${instrument.name} (conId ${instrument.conId})`],
    ['total candles', stats.total.toLocaleString('en')],
    ['first', time(view, stats.first)],
    ['last', time(view, stats.last)],
    ['sources', `${live} live, ${flat} flat, ${backfill} backfill`],
    ['partial', String(stats.partial)],
    ['corrected', String(stats.corrected)],
    ['without trades', String(stats.withoutTrades)],
    ['volume', grouped(stats.volume)],
    ['high', grouped(stats.high ?? '')],
    ['low', grouped(stats.low ?? '')],
  ]);
}

interface CandleOptions {
  readonly args: readonly [string];
  readonly from?: string;
  readonly to?: string;
  readonly latest?: number;
  readonly stats?: boolean;
  readonly plot?: boolean;
  readonly fromArchive?: boolean;
}

export function addCandles({ program, run }: Cli): void {
  program
    .command('candles')
    .description('one-minute bars of an instrument, as they are stored')
    .argument('<symbol>', 'local symbol (GCZ5), root (GC) or conId')
    .option('--from <time>', `first bar; ${whenHelp}`)
    .option('--to <time>', 'end, exclusive; a time as for --from')
    .option(
      '--latest <n>',
      `only the last n (default: ${latestByDefault} where no range is given, ${plottedByDefault} with --plot)`,
      wholeNumber,
    )
    .option('--stats', 'figures instead of bars')
    .addOption(
      new Option('--plot', 'draw them with their volume, as wide as the terminal').conflicts('stats'),
    )
    .option('--from-archive', 'from the daily archive instead of the table, which keeps bars only for a time')
    .action(
      run<CandleOptions>(async (session, options) => {
        const { ports, account, config, view, io } = session;

        const at = (text: string | undefined) =>
          text === undefined ? undefined : parseWhen(text, io.nowMs(), view.timeZone);
        const [fromMs, toMs] = [at(options.from), at(options.to)];
        if (fromMs !== undefined && toMs !== undefined && toMs <= fromMs) {
          throw new CliError('RANGE_EMPTY', `--to ${options.to} is not after --from ${options.from}.`);
        }
        const known = await knownInstruments(ports, account);
        const noRange = fromMs === undefined && toMs === undefined && !options.stats;
        const latest =
          options.latest ?? (noRange ? (options.plot ? plottedByDefault : latestByDefault) : undefined);
        const { intervalMs } = config.candles;
        const { marketMs = 0 } = (await ports.heartbeats.read(account)) ?? {};
        const newestMs = Math.max(marketMs, io.nowMs());
        const question = { given: options.args[0], known, intervalMs, newestMs, fromMs, toMs, latest };
        if (options.fromArchive) progress(session, `Reading the archive for ${options.args[0]} ...`);
        const answer = options.fromArchive
          ? await readArchive(await ports.archive(), question)
          : await readTable(session, question);
        const { instrument, candles, notArchived } = answer;
        const said = options.fromArchive ? { notArchived } : {};
        const note = notArchived.length === 0 ? '' : `\nNot archived: ${spans(notArchived)} (UTC).`;
        if (options.stats) {
          const stats = statsOf(candles);
          return {
            result: { ...instrument, ...stats, ...said },
            text: () => showStats(instrument, stats, view) + note,
          };
        }
        const draw = () =>
          candles.length === 0
            ? noCandle(instrument)
            : plotCandles(instrument.name, candles, view, io.out.columns);
        return {
          result: {
            ...instrument,
            candles: candles.map((each) => ({ ...each, start: iso(each.startMs) })),
            ...said,
          },
          text: () => (options.plot ? draw() : showCandles(instrument, candles, view)) + note,
        };
      }),
    );
}

async function readTable(
  session: Session,
  { given, known, ...request }: ArchiveQuestion,
): Promise<ArchiveAnswer> {
  const instrument = findInstrument(given, known);
  const meter = createMeter(session);
  const what = `Reading candles of ${instrument.name}`;
  const store: Pick<CandleStore, 'query'> = {
    query: (range) => counted(session.ports.candles.query(range), meter, { what, noun: 'candle' }),
  };
  const candles = await readCandles(store, { ...request, conId: instrument.conId }).finally(() =>
    meter.clear(),
  );
  return { instrument, candles, notArchived: [] };
}

function wholeNumber(text: string): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > latestMax)
    throw new InvalidArgumentError(`Allowed: a whole number from 1 to ${latestMax}.`);
  return number;
}

/**
 * S144: a recorded day is played by the real streamer on simulated time, from prints on a socket to what the keepers
 * store. Two hours of the real day of 2013-10-07 where it is here, else of a generated tape; `EVENKEEL_PROOF=1` plays
 * all of the day, with more faults.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../lib/aws/audit-hash.ts';
import type { Candle } from '../../lib/domain/market/candle.ts';
import { sharedDataDir } from '../helpers/shared-data.ts';
import { disturbed } from '../replay/faulty-day.ts';
import { factOf, keepBook, keepCandles, numbersOf } from '../replay/kept.ts';
import type { ReplayRequest } from '../replay/main.ts';
import type { RecordedDay } from '../replay/recorded-day.ts';
import { Strategy } from '../replay/strategy.ts';

const program = fileURLToPath(new URL('../replay/main.ts', import.meta.url));
const isProof = process.env.EVENKEEL_PROOF === '1';
const faultSeeds = isProof ? [1, 2, 3, 4] : [1];
const recorded = sharedDataDir && {
  tape: join(sharedDataDir, 'ticks/GCZ3_2013-10-07.ticks.csv.gz'),
  ...(isProof ? {} : { fromMs: Date.UTC(2013, 9, 7, 13), toMs: Date.UTC(2013, 9, 7, 15) }),
};
let port = 0;
let day: RecordedDay;

beforeAll(async () => {
  // One port for all: it is in the event of the connection, and the streams must be the same to the byte.
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as { port: number });
  server.close();
  await once(server, 'close');
  day = await play({});
});

async function play(request: Omit<ReplayRequest, 'port'>): Promise<RecordedDay> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [program, JSON.stringify({ port, ...recorded, ...request } satisfies ReplayRequest)],
    { maxBuffer: 1 << 30 },
  );
  return JSON.parse(stdout) as RecordedDay;
}

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

/** What is compared to the byte. All but the bus, which tells the gateway's port, have the same hash in every run. */
const streamsOf = ({ bus, book, intents, trades }: RecordedDay) => ({
  candles: bus.filter(({ type }) => type.startsWith('candle.')),
  bus,
  book,
  intents,
  trades,
});

describe('S144 replay of a recorded day', () => {
  it('S144 replay of a recorded day gives byte-identical candles, setups, intents (seeded)', async () => {
    const again = await play({});
    // A day on which nothing happens would be the same, too.
    expect(day.bus.filter(({ type }) => type === 'candle.completed').length).toBeGreaterThan(100);
    expect(day.intents.length).toBeGreaterThan(2);
    expect(day.executions).toBeGreaterThan(2);
    expect(day.book.filter(({ type }) => type === 'fill.received')).toHaveLength(day.executions);
    const other = streamsOf(again);
    for (const [name, stream] of Object.entries(streamsOf(day))) {
      const hash = hashOf(stream);
      console.log(`S144 ${name}: ${stream.length}, SHA-256 ${hash}`);
      expect(hashOf(other[name as keyof typeof other]), name).toBe(hash);
    }
  });

  it.each(faultSeeds)(
    'S144 replay with injected faults (disconnect, dup, reorder, delay) ends in the same candles and book, seed %i',
    async (seed) => {
      const faulty = await play({ trades: day.trades, faultSeed: seed });
      const told = (type: string) => faulty.bus.filter((event) => event.type === type);
      expect(told('gateway.disconnected').length).toBeGreaterThan(3);
      expect(told('gap.filled').length).toBe(told('gap.detected').length);
      expect(faulty.trades).toEqual(day.trades);

      const gaps = told('gap.detected').map(({ data }) => data as { fromMs: number; toMs: number });
      const inGap = ({ startMs }: Candle) =>
        gaps.some(({ fromMs, toMs }) => fromMs <= startMs && startMs < toMs);
      const other = keepCandles(disturbed(faulty.bus, seed));
      const kept = new Map(other.map((candle) => [candle.startMs, candle]));
      // In a gap silence is not known to be silence, and behind it the price is from before it until the next trade.
      const isUnknown = ({ startMs }: Candle) => {
        const gap = gaps.findLast(({ fromMs }) => fromMs <= startMs);
        const trades = ({ source, startMs: ms }: Candle) =>
          source === 'live' && ms >= gap!.toMs && ms < startMs;
        return gap !== undefined && !other.some(trades);
      };
      const own = keepCandles(day.bus).filter(
        (candle) => candle.source !== 'flat' || kept.has(candle.startMs) || !isUnknown(candle),
      );
      expect(other.map(numbersOf)).toEqual(own.map(numbersOf));
      // What came from history lies in a gap that was told, and some of it did.
      const changed = other.filter(({ source }, index) => source !== own[index]!.source);
      expect(changed.length).toBeGreaterThan(5);
      for (const candle of changed) {
        expect(candle.source).toBe('backfill');
        expect(inGap(candle)).toBe(true);
      }
      // The strategy on the table has the same wishes.
      const intentsOn = (candles: typeof own) => {
        const strategy = new Strategy();
        for (const candle of candles) strategy.onBar(candle);
        return strategy.intents;
      };
      expect(intentsOn(other)).toEqual(intentsOn(own));

      const [book, disturbedBook] = [
        await keepBook(day.book),
        await keepBook(disturbed(faulty.book, seed + 1)),
      ];
      expect(canonicalJson(disturbedBook.map(factOf))).toBe(canonicalJson(book.map(factOf)));
      expect(book.filter(({ ref }) => ref.kind === 'fill')).toHaveLength(day.executions);
    },
  );

  it('S144 the comparison sees a bar and a fill that differ', async () => {
    const bars = keepCandles(day.bus);
    const [bar] = bars;
    expect(numbersOf({ ...bar!, volume: `${bar!.volume}1` })).not.toEqual(numbersOf(bar!));
    const lost = day.book.findLast(({ type }) => type === 'fill.received')!;
    const book = (await keepBook(day.book)).map(factOf);
    const without = await keepBook(day.book.filter((event) => event !== lost));
    expect(canonicalJson(without.map(factOf))).not.toBe(canonicalJson(book));
  });
});

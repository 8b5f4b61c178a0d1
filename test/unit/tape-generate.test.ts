import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateTape, writeTape } from '../../sandbox/tapes/generate.ts';
import { loadTape, tapeFromRows } from '../../sandbox/tapes/tape.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tape-generate-'));
});
afterAll(() => rm(dir, { recursive: true }));

describe('generated tapes', () => {
  it('the same seed gives the same rows, another seed others', () => {
    expect(generateTape({ seed: 7 })).toEqual(generateTape({ seed: 7 }));
    expect(generateTape({ seed: 7 })).not.toEqual(generateTape({ seed: 8 }));
  });

  it('carry what trips builders of candles: bursts, silence, equal times, repeats, size 0, quotes, minute edges', () => {
    const rows = generateTape({ seed: 1, minutes: 240 });
    const trades = rows.filter((row) => row.kind === 'trade');
    const perMinute = Map.groupBy(trades, (row) => Math.floor(row.timeMs / 60_000));
    const counts = [...perMinute.values()].map((own) => own.length);
    expect(perMinute.size).toBeGreaterThan(200);
    expect(perMinute.size).toBeLessThan(240);
    expect(Math.max(...counts)).toBeGreaterThan(150);
    const pairs = trades.slice(1).map((row, index) => [trades[index]!, row] as const);
    expect(pairs.some(([a, b]) => a.timeMs === b.timeMs && a.price !== b.price)).toBe(true);
    expect(pairs.some(([a, b]) => a.timeMs === b.timeMs && a.price === b.price && a.size === b.size)).toBe(
      true,
    );
    expect(trades.some((row) => row.size === '0')).toBe(true);
    expect(trades.some((row) => row.timeMs % 60_000 === 0)).toBe(true);
    expect(trades.some((row) => row.timeMs % 60_000 === 59_999)).toBe(true);
    expect(rows.some((row) => row.kind === 'quote' && Number(row.ask) > Number(row.bid))).toBe(true);
  });

  it('with a halt: halt and resume rows, and no trade between them', () => {
    const rows = generateTape({ seed: 3, halt: true });
    const halt = rows.find((row) => row.kind === 'halt')!;
    const resume = rows.find((row) => row.kind === 'resume')!;
    expect(resume.timeMs - halt.timeMs).toBe(120_000);
    const between = rows.filter((row) => row.timeMs > halt.timeMs && row.timeMs < resume.timeMs);
    expect(between).toEqual([]);
  });

  it('any options give rows in time order that survive being written and read, and a contract for each symbol', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.nat(),
          symbols: fc.constantFrom(['GCG6'], ['ESH6', 'SPY'], ['AAPL']),
          minutes: fc.integer({ min: 1, max: 8 }),
          ticksPerMinute: fc.integer({ min: 1, max: 40 }),
          quotes: fc.boolean(),
          halt: fc.boolean(),
          gzip: fc.boolean(),
        }),
        async ({ gzip, ...options }) => {
          const rows = generateTape(options);
          expect(rows.every((row, index) => index === 0 || row.timeMs >= rows[index - 1]!.timeMs)).toBe(true);
          const file = join(dir, gzip ? 'any.csv.gz' : 'any.csv');
          await writeTape(file, rows);
          const tape = await loadTape(file);
          expect(tape.rows).toEqual(rows);
          expect(tape.contracts).toEqual(tapeFromRows('same', rows).contracts);
          expect(tape.contracts.map(({ localSymbol }) => localSymbol).sort()).toEqual(
            [...options.symbols].sort(),
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});

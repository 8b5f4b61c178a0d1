/** The prints of the week, and what its bars must be by the plainest aggregation. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveContracts } from '../../sandbox/tapes/contracts.ts';
import { generateTape, writeTape } from '../../sandbox/tapes/generate.ts';
import type { Tape, TapeRow } from '../../sandbox/tapes/tape.ts';
import { aggregateTape, type ReferenceBars } from '../helpers/reference-bars.ts';
import type { Week } from './week.ts';

export interface WeekTape {
  readonly tape: Tape;
  /** By local symbol. */
  readonly reference: ReadonlyMap<string, ReferenceBars>;
  readonly trades: number;
}

/** @param folder for a file of each symbol while it is aggregated */
export async function weekTape(
  week: Week,
  { seed, ticksPerMinute, folder }: { seed: number; ticksPerMinute: number; folder: string },
): Promise<WeekTape> {
  const all: TapeRow[] = [];
  const reference = new Map<string, ReferenceBars>();
  let trades = 0;
  for (const [index, { localSymbol, sessions }] of week.markets.entries()) {
    const rows = sessions.flatMap(({ fromMs, toMs }, day) =>
      generateTape({
        seed: seed + 1_009 * index + 31 * day,
        symbols: [localSymbol],
        startMs: fromMs,
        minutes: Math.floor((toMs - fromMs) / 60_000),
        ticksPerMinute,
      }),
    );
    const file = join(folder, `${localSymbol}.csv`);
    await writeTape(file, rows);
    const { bars, rows: count } = await aggregateTape(file);
    await rm(file);
    reference.set(localSymbol, bars);
    trades += count;
    // One by one: more arguments than a call may have.
    for (const row of rows) all.push(row);
  }
  all.sort((a, b) => a.timeMs - b.timeMs);
  // The tape's time begins with its first row, and that is when the run begins, be a market open or not.
  const first = all.find(({ kind }) => kind === 'trade');
  if (first === undefined) throw new Error('No market is open in the span of the run.');
  const quoted = { kind: 'quote' as const, price: '', size: '', bid: first.price, ask: first.price };
  const start: TapeRow = { ...first, ...quoted, timeMs: week.startMs };
  const rows = first.timeMs > week.startMs ? [start, ...all] : all;
  const contracts = deriveContracts(
    rows,
    week.markets.map(({ contract }) => contract as { localSymbol: string }),
  );
  return { tape: { file: 'the soaked week', rows, contracts }, reference, trades };
}

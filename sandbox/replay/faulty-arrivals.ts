/**
 * What could befall a recorded tape on its way, from a seed: prints that come twice, late and in another order, and
 * outages in which nothing comes. The tape itself stays what happened.
 */
import { mulberry32 } from '../tapes/generate.ts';
import type { TapeRow } from '../tapes/tape.ts';

export interface Outage {
  /** Unix milliseconds: from then on nothing is delivered. */
  readonly fromMs: number;
  /** From then on everything is again. */
  readonly toMs: number;
}

export interface Arrival {
  readonly atMs: number;
  /** Place of the row among those of the tape. */
  readonly index: number;
}

export interface FaultyArrivals {
  /** In the order in which they come. */
  readonly arrivals: readonly Arrival[];
  readonly outages: readonly Outage[];
  readonly late: number;
  readonly twice: number;
  readonly lost: number;
}

const minuteMs = 60_000;
/** An outage in each stretch of this length. */
const OUTAGE_EVERY_MS = 90 * minuteMs;
const OUTAGE_MS_MAX = 10 * minuteMs;
/** Most come within the grace of their bar, some as corrections. */
const DELAY_MS = 1_500;
const DELAY_MS_MAX = 50_000;

export function faultyArrivals(rows: readonly TapeRow[], seed: number): FaultyArrivals {
  const random = mulberry32(seed);
  const [firstMs, lastMs] = [rows[0]!.timeMs, rows.at(-1)!.timeMs];
  const outages: Outage[] = [];
  for (let stretchMs = firstMs; stretchMs < lastMs; stretchMs += OUTAGE_EVERY_MS) {
    const fromMs = Math.floor(stretchMs + random() * (OUTAGE_EVERY_MS - OUTAGE_MS_MAX - minuteMs));
    const toMs = fromMs + 1_000 + Math.floor(random() * OUTAGE_MS_MAX);
    if (toMs < lastMs - 2 * minuteMs) outages.push({ fromMs, toMs });
  }
  const outageAt = (ms: number) => outages.find(({ fromMs, toMs }) => ms >= fromMs && ms < toMs);
  const arrivals: Arrival[] = [];
  const count = { late: 0, twice: 0, lost: 0 };
  for (const [index, { timeMs, kind }] of rows.entries()) {
    if (kind === 'trade' && outageAt(timeMs) !== undefined) {
      count.lost += 1;
      continue;
    }
    const times = [timeMs];
    if (kind === 'trade') {
      const dice = random();
      if (dice < 0.05) times[0] = timeMs + random() * (dice < 0.002 ? DELAY_MS_MAX : DELAY_MS);
      if (random() < 0.02) times.push(timeMs + random() * DELAY_MS_MAX);
      if (times[0] !== timeMs) count.late += 1;
      count.twice += times.length - 1;
    }
    for (const time of times) {
      // The link goes down behind what it has delivered: a print that would come later came just before.
      const cut = outages.find(({ fromMs }) => timeMs < fromMs && time >= fromMs);
      arrivals.push({ atMs: cut === undefined ? time : cut.fromMs - 1, index });
    }
  }
  // Prints of one moment keep the order of the tape.
  arrivals.sort((a, b) => a.atMs - b.atMs || a.index - b.index);
  return { arrivals, outages, ...count };
}

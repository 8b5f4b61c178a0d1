/**
 * Generated tapes: the same seed gives the same rows on every machine. They carry what real tapes carry and what
 * builders of candles trip over: bursts, silent minutes, equal times, repeated (time, price, size), prints of size
 * 0, quotes, and on request a halt.
 */
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { TapeRow } from './tape.ts';

export interface GenerateTapeOptions {
  readonly seed: number;
  /** Local symbols; default `['GCG6']`, gold of February 2026. */
  readonly symbols?: readonly string[];
  /** Unix milliseconds, UTC, of the first minute; default Monday 2026-01-05 14:30:00 UTC. Floored to the minute. */
  readonly startMs?: number;
  /** Default 30. */
  readonly minutes?: number;
  /** Average number of trades a minute and symbol; default 60. */
  readonly ticksPerMinute?: number;
  /** With quotes between the trades; default true. */
  readonly quotes?: boolean;
  /** Stops each symbol for the two minutes in the middle of the tape (halt and resume rows); default false. */
  readonly halt?: boolean;
}

const minuteMs = 60_000;

/** Rows in time order; `line` is the line they get in a file. The first and last minute always have trades. */
export function generateTape(options: GenerateTapeOptions): TapeRow[] {
  const {
    seed,
    symbols = ['GCG6'],
    minutes = 30,
    ticksPerMinute = 60,
    quotes = true,
    halt = false,
  } = options;
  const startMs = Math.floor((options.startMs ?? Date.UTC(2026, 0, 5, 14, 30)) / minuteMs) * minuteMs;
  const rows: Omit<TapeRow, 'line'>[] = [];
  for (const [index, symbol] of symbols.entries()) {
    const random = mulberry32(seed + index * 7919);
    const walk = newWalk(symbol, random);
    const haltAt = halt && minutes >= 6 ? Math.floor(minutes / 2) : -1;
    for (let minute = 0; minute < minutes; minute += 1) {
      const from = startMs + minute * minuteMs;
      if (minute === haltAt) rows.push({ timeMs: from, symbol, price: '', size: '', kind: 'halt' });
      if (haltAt !== -1 && minute === haltAt + 2)
        rows.push({ timeMs: from, symbol, price: '', size: '', kind: 'resume' });
      if (haltAt !== -1 && (minute === haltAt || minute === haltAt + 1)) continue;
      const inner = minute > 0 && minute < minutes - 1;
      const mood = random();
      if (inner && mood < 0.08) continue; // a silent minute
      const factor = mood > 0.92 ? 4 : 0.4 + random() * 1.2;
      const trades = Math.max(1, Math.round(ticksPerMinute * factor));
      rows.push(...minuteRows({ symbol, from, trades, quotes, walk, random }));
    }
  }
  return rows.sort((a, b) => a.timeMs - b.timeMs).map((row, index) => ({ ...row, line: index + 2 }));
}

interface Walk {
  /** Price in ticks. */
  ticks: number;
  readonly tickSize: number;
  readonly decimals: number;
}

function newWalk(symbol: string, random: () => number): Walk {
  if (symbol.startsWith('GC') || symbol.startsWith('MGC')) {
    return { ticks: 26_000 + Math.floor(random() * 2_000), tickSize: 0.1, decimals: 1 };
  }
  if (/^(ES|MES|NQ|MNQ)/.test(symbol)) {
    return { ticks: 24_000 + Math.floor(random() * 2_000), tickSize: 0.25, decimals: 2 };
  }
  return { ticks: 15_000 + Math.floor(random() * 5_000), tickSize: 0.01, decimals: 2 };
}

interface MinuteInput {
  readonly symbol: string;
  readonly from: number;
  readonly trades: number;
  readonly quotes: boolean;
  readonly walk: Walk;
  readonly random: () => number;
}

function minuteRows({ symbol, from, trades, quotes, walk, random }: MinuteInput): Omit<TapeRow, 'line'>[] {
  const price = (ticks: number) => (ticks * walk.tickSize).toFixed(walk.decimals).replace(/\.?0+$/, '');
  const times = Array.from({ length: trades }, () => Math.floor(random() * minuteMs));
  // Real prints cluster: some share a millisecond, and the edges of the minute are where mistakes show.
  for (let index = 1; index < times.length; index += 1) if (random() < 0.2) times[index] = times[index - 1]!;
  if (random() < 0.3) times[0] = 0;
  if (random() < 0.3) times[times.length - 1] = minuteMs - 1;
  times.sort((a, b) => a - b);
  const rows: Omit<TapeRow, 'line'>[] = [];
  for (const offset of times) {
    const step = random();
    if (step < 0.3) walk.ticks += 1;
    else if (step > 0.7) walk.ticks -= 1;
    else if (step > 0.69) walk.ticks += Math.floor(random() * 9) - 4;
    walk.ticks = Math.max(1, walk.ticks);
    if (quotes && random() < 0.5) {
      rows.push({
        timeMs: from + offset,
        symbol,
        price: '',
        size: '',
        bid: price(walk.ticks - (random() < 0.5 ? 1 : 0)),
        ask: price(walk.ticks + 1),
        bidSize: String(1 + Math.floor(random() * 40)),
        askSize: String(1 + Math.floor(random() * 40)),
        kind: 'quote',
      });
    }
    const kind = random();
    const size = kind < 0.02 ? '0' : kind < 0.75 ? '1' : String(1 + Math.floor(random() ** 3 * 50));
    const trade = { timeMs: from + offset, symbol, price: price(walk.ticks), size, kind: 'trade' as const };
    rows.push(trade);
    if (random() < 0.1) rows.push({ ...trade });
  }
  return rows;
}

/** Writes rows as a tape; gzipped when the name ends in `.gz`. Only the columns that occur are written. */
export async function writeTape(file: string, rows: readonly TapeRow[]): Promise<void> {
  const has = {
    bid: rows.some((row) => row.bid !== undefined || row.ask !== undefined),
    sizes: rows.some((row) => row.bidSize !== undefined || row.askSize !== undefined),
    kind: rows.some((row) => row.kind !== 'trade'),
  };
  const lines = [
    [
      'time_ms',
      'symbol',
      'price',
      'size',
      ...(has.bid ? ['bid', 'ask'] : []),
      ...(has.sizes ? ['bid_size', 'ask_size'] : []),
      ...(has.kind ? ['kind'] : []),
    ].join(','),
  ];
  for (const row of rows) {
    let line = `${row.timeMs},${row.symbol},${row.price},${row.size}`;
    if (has.bid) line += `,${row.bid ?? ''},${row.ask ?? ''}`;
    if (has.sizes) line += `,${row.bidSize ?? ''},${row.askSize ?? ''}`;
    if (has.kind) line += `,${row.kind}`;
    lines.push(line);
  }
  const text = `${lines.join('\n')}\n`;
  await writeFile(file, file.endsWith('.gz') ? await promisify(gzip)(text) : text);
}

/** A small, fast generator with 32 bits of state; its sequence is fixed by the seed alone. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

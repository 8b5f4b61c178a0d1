/** Nasty streams of prints for property tests, and an aggregation that shares no code with the builder. */
import * as fc from 'fast-check';
import { createCalendar, type SessionCalendar } from '../../../lib/domain/market/sessions.ts';
import { minuteMs } from './builder-harness.ts';

export interface Print {
  readonly timeMs: number;
  /** Scaled integers. */
  readonly price: number;
  readonly size: number;
  readonly cumVolume: number;
}

export interface PlainBar {
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  tickCount: number;
}

export interface Hours {
  readonly text: string;
  readonly timeZone: string;
}

/** CME hours around Friday 9 January 2026: the daily halt, a weekend, the Sunday opening. */
export const winterHours: Hours = {
  text: '20260107:1800-20260108:1700;20260108:1800-20260109:1700;20260110:CLOSED;20260111:1800-20260112:1700',
  timeZone: 'US/Eastern',
};

/** The last minutes before the halt of Thursday, so that a stream soon crosses it. */
export const winterStartMs = Date.UTC(2026, 0, 8, 21, 50);

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 900 }) },
  { weight: 6, arbitrary: fc.integer({ min: 1_000, max: 20_000 }) },
  // Onto a boundary, or one millisecond beside it.
  { weight: 3, arbitrary: fc.constantFrom(-1, -2, -3) },
  { weight: 2, arbitrary: fc.integer({ min: 50_000, max: 400_000 }) },
);

const price = fc
  .constantFrom(100, 100, 101, 99, 99.5, -0.25, -37.63, 102.75)
  .map((value) => Math.round(value * 1e8));
const size = fc.constantFrom(0, 0, 1, 1, 1, 2, 7, 0.5).map((value) => value * 10_000);

/** Prints in their own order: equal times, repeated content, size 0, a count that begins again in each session. */
export function printsArb(
  options: {
    readonly minLength?: number;
    readonly maxLength?: number;
    readonly hours?: Hours;
    readonly startMs?: number;
  } = {},
): fc.Arbitrary<Print[]> {
  const { minLength = 1, maxLength = 60, hours = winterHours, startMs = winterStartMs } = options;
  const calendar = createCalendar(hours.text, hours.timeZone);
  return fc
    .array(fc.tuple(step, price, size, fc.boolean()), { minLength, maxLength })
    .map((rows) => build(rows, calendar, startMs));
}

function build(
  rows: readonly (readonly [number, number, number, boolean])[],
  calendar: SessionCalendar,
  startMs: number,
): Print[] {
  const prints: Print[] = [];
  let timeMs = startMs;
  let cumVolume = 0;
  let date = calendar.sessionDateAt(startMs);
  for (const [jump, newPrice, newSize, repeat] of rows) {
    timeMs = jump >= 0 ? timeMs + jump : nearBoundary(timeMs, jump);
    if (calendar.stateAt(timeMs) !== 'open') timeMs = calendar.nextChange(timeMs);
    if (calendar.sessionDateAt(timeMs) !== date) {
      date = calendar.sessionDateAt(timeMs);
      cumVolume = 0;
    }
    const last = prints.at(-1);
    const content = repeat && last ? last : { price: newPrice, size: newSize };
    cumVolume += content.size;
    prints.push({ timeMs, price: content.price, size: content.size, cumVolume });
  }
  return prints;
}

/** The next boundary, a millisecond after it, or a millisecond before it where that is not in the past. */
function nearBoundary(timeMs: number, jump: number): number {
  const boundary = (Math.floor(timeMs / minuteMs) + 1) * minuteMs;
  if (jump === -1) return boundary;
  return jump === -2 ? boundary + 1 : Math.max(boundary - 1, timeMs);
}

/** Bars by the rule as it is written: sort by (time, cumulative volume, size 0 last, price), then take them in turn. */
export function aggregate(prints: readonly Print[]): Map<number, PlainBar> {
  const sorted = prints.toSorted(
    (a, b) =>
      a.timeMs - b.timeMs ||
      a.cumVolume - b.cumVolume ||
      Number(a.size === 0) - Number(b.size === 0) ||
      a.price - b.price,
  );
  const bars = new Map<number, PlainBar>();
  for (const { timeMs, price: last, size: traded } of sorted) {
    const startMs = timeMs - (((timeMs % minuteMs) + minuteMs) % minuteMs);
    const bar = bars.get(startMs);
    if (!bar) {
      bars.set(startMs, { open: last, high: last, low: last, close: last, volume: traded, tickCount: 1 });
      continue;
    }
    bar.high = Math.max(bar.high, last);
    bar.low = Math.min(bar.low, last);
    bar.close = last;
    bar.volume += traded;
    bar.tickCount += 1;
  }
  return bars;
}

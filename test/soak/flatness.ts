/** Whether a series of measurements is flat: the median of the slopes between all pairs (Theil and Sen), against a bound. */
import type { Measurement } from './soak.ts';

/** What a day brings that is kept on purpose, for a while. */
export interface KeptByDesign {
  /** Bars of all markets: the last 4,096 of each are remembered, for their revisions. */
  readonly barsPerDay: number;
  /** Orders: remembered for seven days after IB last spoke of them. */
  readonly ordersPerDay: number;
}

export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly of: (measurement: Measurement) => number | null;
  /** Growth by a simulated day that still counts as flat. */
  readonly boundPerDay: (kept: KeptByDesign) => number;
}

export interface Flatness {
  readonly name: string;
  readonly unit: string;
  readonly first: number;
  readonly median: number;
  readonly most: number;
  readonly last: number;
  /** By a simulated day, over the span that is judged; null where it is too short. */
  readonly slopePerDay: number | null;
  readonly boundPerDay: number;
  readonly flat: boolean;
  readonly values: readonly number[];
}

const MIB = 1_048_576;
const dayMs = 86_400_000;
/** Fewer points have no robust slope. */
const POINTS_MIN = 24;

/** Of the memory in the process: a number and its place in a map. */
const BAR_BYTES = 64;
/** Of an order, its fills and commissions: as text in the outbox's file, and as objects. */
const ORDER_TEXT_BYTES = 4_096;
const ORDER_BYTES = 8_192;

const mib = (pick: (measurement: Measurement) => number) => (measurement: Measurement) =>
  pick(measurement) / MIB;
const sum = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((all, one) => all + one, 0);
const always = (bound: number) => () => bound;
/** One that is lost at each nightly reset would be 1 a day. */
const halfOfOne = always(0.5);

/** In the first week the tables that are bounded fill: what they may take by then is in the bounds, and nothing else. */
export const series: readonly Series[] = [
  // Freed pages stay with the process as the allocator likes, and compiled code comes and goes.
  { name: 'RSS', unit: 'MiB', of: mib(({ rss }) => rss), boundPerDay: always(4) },
  {
    name: 'heap used after gc',
    unit: 'MiB',
    of: mib(({ heapUsed }) => heapUsed),
    // 50 bytes more that are kept of each bar, and V8's own code, are seen.
    boundPerDay: ({ barsPerDay, ordersPerDay }) =>
      0.25 + (barsPerDay * BAR_BYTES + ordersPerDay * ORDER_BYTES) / MIB,
  },
  { name: 'heap of V8', unit: 'MiB', of: mib(({ heapTotal }) => heapTotal), boundPerDay: always(4) },
  { name: 'external', unit: 'MiB', of: mib(({ external }) => external), boundPerDay: always(0.25) },
  {
    name: 'handles and requests',
    unit: '',
    of: ({ resources }) => sum(resources),
    boundPerDay: halfOfOne,
  },
  { name: 'timers that wait', unit: '', of: ({ timers }) => timers, boundPerDay: halfOfOne },
  { name: 'open files', unit: '', of: ({ files }) => files, boundPerDay: halfOfOne },
  // What is sent is deleted.
  { name: 'outbox rows', unit: '', of: ({ outboxRows }) => outboxRows, boundPerDay: always(1) },
  {
    name: 'outbox file and WAL',
    unit: 'KiB',
    of: ({ outboxBytes, walBytes }) => (outboxBytes + walBytes) / 1_024,
    boundPerDay: ({ ordersPerDay }) => 32 + (ordersPerDay * ORDER_TEXT_BYTES) / 1_024,
  },
  {
    name: 'event loop delay p99',
    unit: 'ms',
    of: ({ loopDelayP99Ms }) => loopDelayP99Ms,
    // Real time on a machine with other work: shown, not judged.
    boundPerDay: always(Number.POSITIVE_INFINITY),
  },
];

/** @param fromMs measurements before it (the first day) show how the process fills; they are not judged */
export function judgeFlatness(
  measurements: readonly Measurement[],
  { fromMs, kept }: { readonly fromMs: number; readonly kept: KeptByDesign },
): Flatness[] {
  return series.flatMap(({ name, unit, of, boundPerDay: boundOf }) => {
    const boundPerDay = boundOf(kept);
    const points = measurements.flatMap((each) => {
      const value = of(each);
      return value === null ? [] : [{ atDays: each.atMs / dayMs, atMs: each.atMs, value }];
    });
    if (points.length === 0) return [];
    const values = points.map(({ value }) => value);
    const slopePerDay = slopeOf(points.filter(({ atMs }) => atMs >= fromMs));
    return [
      {
        name,
        unit,
        first: values[0]!,
        median: medianOf(values),
        most: Math.max(...values),
        last: values.at(-1)!,
        slopePerDay,
        boundPerDay,
        flat: slopePerDay === null || slopePerDay <= boundPerDay,
        values,
      },
    ];
  });
}

/** The median of the slopes between all pairs: a single jump, or a tenth of wild values, does not move it. */
export function slopeOf(
  points: readonly { readonly atDays: number; readonly value: number }[],
): number | null {
  if (points.length < POINTS_MIN) return null;
  const slopes: number[] = [];
  for (const [index, a] of points.entries()) {
    for (const b of points.slice(index + 1)) slopes.push((b.value - a.value) / (b.atDays - a.atDays));
  }
  return medianOf(slopes);
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

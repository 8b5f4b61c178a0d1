/** Whether a series of measurements is flat: the median of the slopes between all pairs (Theil and Sen), against a bound. */
import type { Measurement } from './soak.ts';

export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly of: (measurement: Measurement) => number | null;
  /** Growth by a simulated day that still counts as flat. */
  readonly boundPerDay: number;
  /** Why the bound is there, for the page. */
  readonly why: string;
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

const mib = (pick: (measurement: Measurement) => number) => (measurement: Measurement) =>
  pick(measurement) / MIB;
const sum = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((all, one) => all + one, 0);

export const series: readonly Series[] = [
  {
    name: 'RSS',
    unit: 'MiB',
    of: mib(({ rss }) => rss),
    boundPerDay: 3,
    why: 'the allocator keeps freed pages as it likes; 3 MiB a day would take six weeks to double',
  },
  {
    name: 'heap used after gc',
    unit: 'MiB',
    of: mib(({ heapUsed }) => heapUsed),
    boundPerDay: 0.25,
    why: '50 bytes kept of each bar of four markets would be 0.27 MiB a day',
  },
  {
    name: 'external',
    unit: 'MiB',
    of: mib(({ external }) => external),
    boundPerDay: 0.25,
    why: 'buffers of sockets and files come and go',
  },
  {
    name: 'handles and requests',
    unit: '',
    of: ({ resources }) => sum(resources),
    boundPerDay: 0.5,
    why: 'one lost at each nightly reset would be 1 a day',
  },
  {
    name: 'timers that wait',
    unit: '',
    of: ({ timers }) => timers,
    boundPerDay: 0.5,
    why: 'one lost at each nightly reset would be 1 a day',
  },
  {
    name: 'open files',
    unit: '',
    of: ({ files }) => files,
    boundPerDay: 0.5,
    why: 'one lost at each nightly reset would be 1 a day',
  },
  {
    name: 'outbox rows',
    unit: '',
    of: ({ outboxRows }) => outboxRows,
    boundPerDay: 1,
    why: 'what is sent is deleted',
  },
  {
    name: 'outbox file and WAL',
    unit: 'KiB',
    of: ({ outboxBytes, walBytes }) => (outboxBytes + walBytes) / 1_024,
    boundPerDay: 64,
    why: 'pages of what was sent are used again; the memory of orders of past days is let go',
  },
  {
    name: 'event loop delay p99',
    unit: 'ms',
    of: ({ loopDelayP99Ms }) => loopDelayP99Ms,
    boundPerDay: Number.POSITIVE_INFINITY,
    why: 'real time on a machine with other work: shown, not judged',
  },
];

/** @param fromMs measurements before it (the first day) show how the process fills; they are not judged */
export function judgeFlatness(measurements: readonly Measurement[], fromMs: number): Flatness[] {
  return series.flatMap(({ name, unit, of, boundPerDay }) => {
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

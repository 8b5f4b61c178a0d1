import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CloudStandIn, startCloudStandIn } from './cloud-stand-in.ts';
import type { DayFeed, DayFeederMessage } from './feed/day-feeder.ts';
import type { BenchResult, Figure } from './figure.ts';
import { type Peer, startPeer } from './processes.ts';
import { slope } from './statistics.ts';
import {
  bundleStreamer,
  type ProgramForm,
  type StreamerProgram,
  startStreamerProgram,
} from './streamer-program.ts';

/**
 * What the streamer's process has resident through a whole day of the market, as its image runs it (one bundle, the image's
 * options) and beside it from the sources: 50 futures, 23 hours, every candle to the bus. The day is played in
 * about a minute, so what piles up with ticks or bars shows; what piles up with the clock on the wall does not.
 */
export interface MemoryOptions {
  readonly dayTicks: number;
  readonly say: (text: string) => void;
}

const BUDGET_MIB = 150e6 / 2 ** 20;
const SYMBOLS = 50;
const HOURS = 23;
const BAR_MINUTES = HOURS * 60;
/** In the first hours the engine compiles what is used and finds its size. */
const SETTLED_HOURS = 4;
/** "Flat", of a figure that moves by single megabytes with each collection. */
const GROWTH_MIB = 0.5;
const SAMPLE_MS = 100;
/**
 * Fifty times what the design asks of a streamer. Without a bound the figure is that of the machine: the faster it is, the
 * more garbage lies about between two collections.
 */
const TICKS_PER_SECOND_MAX = 50_000;

interface Day {
  readonly readyMiB: number;
  /** After each hour of the market. */
  readonly hoursMiB: readonly number[];
  readonly largestMiB: number;
  readonly endMiB: number;
  readonly heapMiB: number;
  readonly heapTotalMiB: number;
  readonly candles: number;
  readonly ticks: number;
  readonly seconds: number;
}

export async function memory({ dayTicks, say }: MemoryOptions): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  const wrong: string[] = [];
  try {
    await bundleStreamer(folder);
    const days = new Map<ProgramForm, Day>();
    for (const form of ['bundle', 'sources'] as const) {
      const day = await playDay(form, folder, dayTicks);
      days.set(form, day);
      wrong.push(...faults(form, day, dayTicks));
      say(
        `  ${form}: ready ${day.readyMiB.toFixed(0)}, hours ${day.hoursMiB.map((mib) => mib.toFixed(0)).join(' ')}, largest ${day.largestMiB.toFixed(0)}, end ${day.endMiB.toFixed(0)} MiB; heap ${day.heapMiB.toFixed(0)} of ${day.heapTotalMiB.toFixed(0)}; ${day.seconds.toFixed(0)} s`,
      );
    }
    return report(days.get('bundle')!, days.get('sources')!, wrong, dayTicks);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function playDay(form: ProgramForm, folder: string, ticks: number): Promise<Day> {
  const symbols = Array.from({ length: SYMBOLS }, (_, index) => `D${String(index).padStart(2, '0')}`);
  const feed: DayFeed = {
    seed: 21,
    symbols,
    ticks,
    startMs: Date.UTC(2026, 0, 6),
    hours: HOURS,
    ticksPerSecond: TICKS_PER_SECOND_MAX,
  };
  const cloud = await startCloudStandIn();
  const feeder = startPeer<DayFeederMessage>('./feed/day-feeder.ts', feed);
  let program: StreamerProgram | undefined;
  try {
    const { port } = await feeder.next('listening');
    program = await startStreamerProgram({
      form,
      folder,
      gatewayPort: port,
      symbols,
      environment: cloud.environment,
    });
    await feeder.next('subscribed');
    // The first commands, lists and lease renewals have been made; what they load is part of the start.
    await sleep(3_000);
    return await watched(program, feeder, cloud);
  } finally {
    await program?.stop();
    feeder.kill();
    await cloud.stop();
  }
}

async function watched(
  program: StreamerProgram,
  feeder: Peer<DayFeederMessage>,
  cloud: CloudStandIn,
): Promise<Day> {
  const readyMiB = program.rssMiB();
  let largestMiB = readyMiB;
  const timer = setInterval(() => {
    largestMiB = Math.max(largestMiB, program.rssMiB());
  }, SAMPLE_MS);
  const startMs = performance.now();
  try {
    const candles = async (atLeast: number): Promise<void> => {
      const deadlineMs = performance.now() + 60_000;
      while ((cloud.events.get('candle.completed') ?? 0) < atLeast && performance.now() < deadlineMs)
        await sleep(20);
    };
    const hoursMiB: number[] = [];
    for (let hour = 1; hour < HOURS; hour += 1) {
      feeder.send({ kind: 'go' });
      await feeder.next('hour');
      // All but the bars that still are within their grace: a day has no hour's candles waiting for the bus.
      await candles(SYMBOLS * (hour * 60 - 1));
      hoursMiB.push(program.rssMiB());
    }
    feeder.send({ kind: 'go' });
    await feeder.next('played');
    await candles(SYMBOLS * BAR_MINUTES);
    const seconds = (performance.now() - startMs) / 1_000;
    const endMiB = program.rssMiB();
    const metrics = await program.metrics();
    const of = (name: string) => metrics.get(name) ?? Number.NaN;
    return {
      readyMiB,
      hoursMiB,
      // Where the system keeps the peak itself, nothing between two looks is lost.
      largestMiB: Math.max(largestMiB, program.peakMiB() || 0),
      endMiB,
      heapMiB: of('evenkeel_nodejs_heap_size_used_bytes') / 2 ** 20,
      heapTotalMiB: of('evenkeel_nodejs_heap_size_total_bytes') / 2 ** 20,
      candles: cloud.events.get('candle.completed') ?? 0,
      ticks: of('evenkeel_ticks_total'),
      seconds,
    };
  } finally {
    clearInterval(timer);
  }
}

function faults(form: ProgramForm, day: Day, ticks: number): string[] {
  const wrong: string[] = [];
  if (day.ticks !== ticks) wrong.push(`${form}: ${day.ticks} of ${ticks} ticks`);
  if (day.candles < SYMBOLS * BAR_MINUTES)
    wrong.push(`${form}: ${day.candles} of ${SYMBOLS * BAR_MINUTES} candles on the bus`);
  if (Number.isNaN(day.largestMiB))
    wrong.push(`${form}: this system does not say what a process has resident`);
  return wrong;
}

function report(bundle: Day, sources: Day, wrong: readonly string[], ticks: number): BenchResult {
  const settled = bundle.hoursMiB.slice(SETTLED_HOURS - 1);
  const perHour = slope([...settled.keys()], settled);
  const figures: Figure[] = [
    { name: 'as deployed, ready', value: bundle.readyMiB, unit: 'MiB' },
    {
      name: 'as deployed, largest of a day',
      value: bundle.largestMiB,
      unit: 'MiB',
      budget: { kind: 'at-most', value: BUDGET_MIB },
      detail: 'resident; 150 MB',
    },
    {
      name: 'as deployed, after the day',
      value: bundle.endMiB,
      unit: 'MiB',
      detail: `heap ${bundle.heapMiB.toFixed(0)} MiB of ${bundle.heapTotalMiB.toFixed(0)}`,
    },
    {
      name: 'as deployed, growth in an hour',
      value: perHour,
      unit: 'MiB',
      budget: { kind: 'at-most', value: GROWTH_MIB },
      detail: `straight line through hours ${SETTLED_HOURS} to ${HOURS - 1}; flat is 0`,
    },
    { name: 'from the sources, largest of a day', value: sources.largestMiB, unit: 'MiB' },
  ];
  return {
    name: 'memory',
    figures,
    notes: [
      `${ticks.toLocaleString('en')} ticks of ${SYMBOLS} futures, ${bundle.candles.toLocaleString('en')} candles, ${HOURS} hours of the market in ${bundle.seconds.toFixed(0)} s`,
    ],
    ...(wrong.length > 0 ? { invalid: wrong.slice(0, 3).join('; ') } : {}),
  };
}

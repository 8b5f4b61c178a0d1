/** System clocks that are set, or run wrong. The monotonic clock, and so every timer, stays as it is. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateTape, writeTape } from '../../../sandbox/tapes/generate.ts';
import { aggregateTape } from '../../helpers/reference-bars.ts';
import { Clock, type ClockSetting } from '../clock.ts';
import { untilTrading } from '../recovery.ts';
import type { Sandbox, Tape } from '../sandbox.ts';
import type { Experiment, Prepared, Trial } from '../trial.ts';

const stepMs = 5 * 60_000;
const skewedForMs = 12_000;

interface Skew {
  readonly name: string;
  readonly does: string;
  readonly expects: string;
  readonly of: 'streamer' | 'functions';
  readonly setting: Partial<ClockSetting>;
  /** New terms of the lease that it costs at the most. */
  readonly terms?: number;
}

const skews: readonly Skew[] = [
  {
    name: 'clock-forward',
    does: "The streamer's system clock is set 5 minutes forward, and back after 12 s.",
    expects:
      'It looks like a machine that was suspended: a new term of the lease, `lease_lost` tells, and trading is open again within 40 s. Commands look too old (EXPIRED) and do not leave; candles and the trail are as ever.',
    terms: 1,
    of: 'streamer',
    setting: { offsetMs: stepMs },
  },
  {
    name: 'clock-back',
    does: "The streamer's system clock is set 5 minutes back, and right after 12 s.",
    expects:
      'Orders go on, candles and the trail are as ever; heartbeats look old (`heartbeat_missing`). To be set right is a step forward, and costs a new term of the lease.',
    terms: 1,
    of: 'streamer',
    setting: { offsetMs: -stepMs },
  },
  {
    name: 'clock-drift',
    does: "The streamer's system clock runs a tenth too fast.",
    expects: 'Nothing is seen of it.',
    of: 'streamer',
    setting: { driftShare: 0.1 },
  },
  {
    name: 'clock-functions-forward',
    does: 'The system clock of every function is set 5 minutes forward, and back after 12 s.',
    expects:
      'Every heartbeat looks old: `heartbeat_missing`, then `heartbeat_back`. The book and its trail are as ever.',
    of: 'functions',
    setting: { offsetMs: stepMs },
  },
  {
    name: 'clock-functions-back',
    does: 'The system clock of every function is set 5 minutes back, and right after 12 s.',
    expects: 'The book and its trail are as ever.',
    of: 'functions',
    setting: { offsetMs: -stepMs },
  },
];

function skewed({ name, does, expects, of, setting, terms = 0 }: Skew): Experiment {
  let clock: Clock;
  return {
    name,
    does,
    expects,
    boundMs: 240_000,
    prepare: (folder): Prepared => {
      clock = new Clock(folder, 'clock');
      return of === 'streamer' ? { streamerEnv: clock.env } : { functionEnv: clock.env };
    },
    run: async (sandbox, trial) => {
      const { watch, keeper, traffic } = sandbox;
      const { token } = watch.now;
      const sinceMs = performance.now();
      const before = traffic.keys.length;
      clock.set(setting);
      await sleep(skewedForMs);
      const states = await statesOf(sandbox, before);
      clock.set({});
      trial.note('commands meanwhile', states);
      await sleep(3_000);
      const lost = watch.now.token - token;
      trial.expect(`the lease was lost ${terms} times at the most`, lost >= 0 && lost <= terms, String(lost));
      trial.note('new terms', String(lost));
      trial.expect(
        'it went on',
        keeper.endings.length === 0,
        keeper.endings.map(({ how }) => how).join('; '),
      );
      const unready = watch.sights.filter((now) => now.atMs > sinceMs && now.ready !== 200).length;
      trial.note('sights in which it was not ready', String(unready));
      await untilTrading(sandbox, trial, 40_000);
    },
  };
}

/** What became of the commands since the one with this number. */
async function statesOf({ traffic }: Sandbox, from: number): Promise<string> {
  const counts: Record<string, number> = {};
  for (const key of traffic.keys.slice(from)) {
    const intent = await traffic.orders.intent(key);
    const state = intent === undefined ? 'none' : `${intent.state} ${intent.code}`.trim();
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return Object.entries(counts)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
}

/** In every other minute there are prints up to here; the next one is silent, so that only the clock closes the bar before it. */
const printsMs = 35_000;
const minuteMs = 60_000;
const quietMinutes = 12;
const graceMs = 2_000;
/** For the way into the table. */
const reserveMs = 8_000;

/** A tape of now at the pace of the clock: what the broker says is the system's time. */
async function quietTape(folder: string): Promise<Tape> {
  const firstMs = Math.floor(Date.now() / minuteMs) * minuteMs;
  const rows: ReturnType<typeof generateTape> = [];
  for (let minute = 0; minute < quietMinutes; minute += 2) {
    const startMs = firstMs + minute * minuteMs;
    const all = generateTape({ seed: 5, minutes: 1, ticksPerMinute: 60, startMs });
    rows.push(...all.filter(({ timeMs }) => timeMs - startMs < printsMs));
  }
  const file = join(folder, 'quiet.csv');
  await writeTape(file, rows);
  return { file, reference: (await aggregateTape(file)).bars };
}

function steppedWhileQuiet(name: string, offsetMs: number): Experiment {
  let clock: Clock;
  let tape: Tape;
  return {
    name,
    does: `At the pace of the clock, in a silent market and shortly before a bar ends, the streamer's system clock is set ${Math.abs(offsetMs) / 60_000} minutes ${offsetMs < 0 ? 'back' : 'forward'}; then the connection goes half-open.`,
    expects:
      'The bar is in the table within 10 s of its end, and the dead connection is found within 8 s, as ever.',
    boundMs: 480_000,
    // A gap waits for the end of its last minute, and history is asked three times where it has nothing.
    stuckMs: 180_000,
    prepare: async (folder): Promise<Prepared> => {
      clock = new Clock(folder, 'clock');
      tape = await quietTape(folder);
      return { streamerEnv: clock.env, tape, speed: 1 };
    },
    run: async ({ desk, front, watch, traffic }, trial) => {
      // Minutes of orders would have to be booked first, and fills would move the market's time.
      await traffic.pause();
      const { tapeStartMs } = (await desk.gatewayStatus())!;
      const minute0 = Math.floor(tapeStartMs / minuteMs);
      const marketMs = async () => (await desk.gatewayStatus())!.tapeMs;
      const isIn = async (startMs: number) =>
        (await desk.candles()).some((candle) => candle.startMs === startMs);
      for (;;) {
        const ms = await marketMs();
        const isPrinted = (Math.floor(ms / minuteMs) - minute0) % 2 === 0 && ms % minuteMs > printsMs + 3_000;
        if (isPrinted && ms % minuteMs < minuteMs - 8_000) break;
        await sleep(250);
      }
      const startMs = Math.floor((await marketMs()) / minuteMs) * minuteMs;
      const leftMs = startMs + minuteMs - (await marketMs());
      clock.set({ offsetMs });
      const setMs = performance.now();
      const late = () => performance.now() - setMs - leftMs;
      while (!(await isIn(startMs)) && late() < 75_000) await sleep(200);
      trial.expectWithin(
        'the bar after its end',
        (await isIn(startMs)) ? Math.max(0, late()) : undefined,
        graceMs + reserveMs,
      );
      await dead(trial, front, watch);
      clock.set({});
    },
  };
}

async function dead(trial: Trial, front: Sandbox['front'], watch: Sandbox['watch']): Promise<void> {
  const sinceMs = performance.now();
  front.rule({ halfOpen: true });
  trial.expectWithin(
    'the dead connection is found',
    await watch.until((now) => now.ready === 503, 45_000, sinceMs),
    8_000,
  );
  front.rule({});
}

export const clocks: readonly Experiment[] = [
  ...skews.map(skewed),
  steppedWhileQuiet('clock-quiet-back', -stepMs),
  steppedWhileQuiet('clock-quiet-forward', stepMs),
];

/** All of it at once, at moments and in an order that follow from a seed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { mulberry32 } from '../../../sandbox/tapes/generate.ts';
import { Clock } from '../clock.ts';
import { Disk } from '../disk.ts';
import { untilTrading } from '../recovery.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Experiment, Prepared } from '../trial.ts';
import { trouble } from './clouds.ts';

interface World {
  readonly sandbox: Sandbox;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Does harm for a while, and takes it back. */
type Harm = (world: World) => Promise<void>;

const between = ({ random }: World, least: number, most: number): number => least + random() * (most - least);
const someOf = <T>({ random }: World, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
const functionNames = ['book-keeper', 'candle-keeper', 'reconcile', 'alerts', 'watchdog'] as const;

const harms: Readonly<Record<string, Harm>> = {
  'kill streamer': async ({ sandbox }) => signal(sandbox.desk.streamerPid(), 'SIGKILL'),
  'stop streamer': async (world) => stillFor(world.sandbox.desk.streamerPid(), between(world, 200, 9_000)),
  'kill gateway': async (world) => {
    await world.sandbox.front.kill();
    await sleep(between(world, 200, 4_000));
    await world.sandbox.front.restart();
  },
  'stop gateway': async (world) => stillFor(world.sandbox.desk.gateway?.pid, between(world, 200, 5_000)),
  'kill function': async (world) => {
    for (const pid of world.sandbox.functionPids(someOf(world, functionNames))) signal(pid, 'SIGKILL');
  },
  'stop function': async (world) => {
    const pids = world.sandbox.functionPids(someOf(world, functionNames));
    const ms = between(world, 200, 6_000);
    await Promise.all(pids.map((pid) => stillFor(pid, ms)));
  },
  'stop engine': async (world) => stillFor(world.sandbox.enginePid(), between(world, 200, 9_000)),
  'full disk': async (world) => {
    world.disk.fill();
    await sleep(between(world, 500, 5_000));
    world.disk.heal();
  },
  'slow disk': async (world) => {
    world.disk.slow(50, 300);
    await sleep(between(world, 1_000, 6_000));
    world.disk.heal();
  },
  clock: async (world) => {
    world.clock.set({ offsetMs: between(world, -300_000, 300_000), driftShare: between(world, -0.05, 0.05) });
    await sleep(between(world, 1_000, 8_000));
    world.clock.set({});
  },
  wire: async (world) => {
    const rules = [
      { halfOpen: true },
      { delayMs: 700 },
      { split: true },
      { resetInFrame: true },
      { bytesPerSecond: 7_000 },
    ];
    world.sandbox.front.rule(someOf(world, rules));
    await sleep(between(world, 500, 6_000));
    world.sandbox.front.rule({});
  },
  cloud: async (world) => {
    const kinds = ['throttling', 'conflict', 'internal', 'lost-answer', 'slow'] as const;
    trouble(world.sandbox, {
      kind: someOf(world, kinds),
      probability: between(world, 0.1, 0.9),
      delayMs: 500,
    });
    await sleep(between(world, 500, 6_000));
    world.sandbox.desk.cloud.faults.clear();
  },
};

/** Harms that go on at one time. */
const atOnceMax = 3;
const pauseMsMax = 2_500;

function everything(): Experiment {
  let disk: Disk;
  let clock: Clock;
  return {
    name: 'everything',
    does: 'Kills, stops, disk, clock, wire and cloud, up to three at once, by a seed, for as long as --minutes says.',
    expects:
      'Whatever happened: at rest again, with a person who clears a safe mode; no order twice, the book as the broker has it, the trail whole, every bar once.',
    boundMs: 24 * 3_600_000,
    prepare: (folder): Prepared => {
      disk = new Disk(folder, false);
      clock = new Clock(folder, 'clock');
      const { NODE_OPTIONS: first, ...clockEnv } = clock.env;
      const { NODE_OPTIONS: second, ...diskEnv } = disk.env;
      const streamerEnv = { ...clockEnv, ...diskEnv, NODE_OPTIONS: `${first} ${second}` };
      return { streamerEnv, remove: () => disk.remove() };
    },
    run: async (sandbox, trial) => {
      const world: World = { sandbox, disk, clock, random: mulberry32(trial.seed) };
      const names = Object.keys(harms);
      const counts: Record<string, number> = {};
      const going = new Map<string, Promise<void>>();
      for (const endMs = performance.now() + trial.minutes * 60_000; performance.now() < endMs; ) {
        trial.signal.throwIfAborted();
        await sleep(between(world, 100, pauseMsMax));
        const name = someOf(world, names);
        if (going.size >= atOnceMax || going.has(name)) continue;
        counts[name] = (counts[name] ?? 0) + 1;
        trial.say(name);
        going.set(
          name,
          harms[name]!(world)
            .catch((error: unknown) => trial.say(`${name}: ${String(error)}`))
            .finally(() => going.delete(name)),
        );
      }
      await Promise.all(going.values());
      trial.note(
        'harms',
        Object.entries(counts)
          .map(([name, count]) => `${count} ${name}`)
          .join(', '),
      );
      await untilTrading(sandbox, trial, 120_000);
    },
  };
}

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, name);
  } catch {
    // Something else was faster.
  }
}

async function stillFor(pid: number | undefined, ms: number): Promise<void> {
  signal(pid, 'SIGSTOP');
  await sleep(ms);
  signal(pid, 'SIGCONT');
}

export const all: readonly Experiment[] = [everything()];

/** Runs the sender of orders through a random schedule of crashes and troubles, and says what was wrong. */
import { type End, judge } from './exactly-once-checks.ts';
import { heal, plan, troubledMs } from './exactly-once-schedule.ts';
import { startMs, World } from './exactly-once-world.ts';

const quietMsMax = 900_000;
/** So long nothing more has happened: rounds of lists and late words included. */
const quietMs = 20_000;

export interface Run {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What happened, line by line; the same for the same seed. */
  readonly trace: readonly string[];
  readonly deaths: readonly string[];
  readonly ends: readonly End[];
  readonly redelivered: number;
}

export async function run(seed: number): Promise<Run> {
  const world = new World(seed);
  const { time, witness, queue } = world;
  time.install();
  try {
    const commands = plan(world);
    await time.advance(startMs + troubledMs);
    heal(world);
    await untilQuiet(world);
    const ends = await judge(world, commands);
    const { violations, trace, deaths } = witness;
    return {
      seed,
      violations,
      trace,
      deaths,
      ends: [...ends.values()],
      redelivered: queue.redelivered,
    };
  } finally {
    world.close();
    time.uninstall();
  }
}

async function untilQuiet(world: World): Promise<void> {
  const { time, queue, witness } = world;
  const isQuiet = (): boolean =>
    queue.depth === 0 &&
    world.alive.some(({ term }) => term?.isReady === true) &&
    witness.intents.every(({ state }) => state !== 'sending');
  for (const endMs = time.nowMs + quietMsMax; time.nowMs < endMs; ) {
    if (isQuiet()) {
      const changes = witness.trace.length;
      await time.advance(time.nowMs + quietMs);
      if (isQuiet() && changes === witness.trace.length) return;
    } else await time.advance(time.nowMs + 1_000);
  }
  witness.wrong(`not quiet after ${quietMsMax} ms`);
}

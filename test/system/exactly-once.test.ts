/**
 * Every order once: the sender of orders under random schedules of crashes, lost links, lost and late answers, redeliveries
 * and two streamers at once. Time and chance follow from a seed, so that a run happens again the same way, line by line:
 * `EVENKEEL_SEED=17 npm test -- test/system/exactly-once.test.ts`. `EVENKEEL_PROOF=1` plays 1,800 of them; the others of the
 * 2,000 kill the real process (`exactly-once-killed.test.ts`).
 */
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type Run, run } from '../helpers/exactly-once.ts';
import { ends } from '../helpers/exactly-once-checks.ts';
import { crashPoints } from '../helpers/exactly-once-process.ts';

vi.mock('node:timers/promises', () => import('../helpers/exactly-once-sleep.ts'));

const only = process.env.EVENKEEL_SEED;
const isProof = process.env.EVENKEEL_PROOF === '1';
const runs = only === undefined ? (isProof ? 1_800 : 150) : 1;
const firstSeed = Number(only ?? 1);
const done: Run[] = [];

describe('exactly once', () => {
  afterAll(() => process.stdout.write(`${report()}\n`));

  it(`in ${runs} random schedules, seeds from ${firstSeed} on, no order leaves twice or against the gate, and each intent has one end`, {
    timeout: 300_000,
  }, async () => {
    for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) done.push(await run(seed));
    const broken = done.filter(({ violations }) => violations.length > 0);
    expect(broken.map(({ seed, violations }) => ({ seed, violations }))).toEqual([]);
  });

  it.skipIf(only !== undefined)('the schedules were hard: every crash point, every end, redeliveries', () => {
    const deaths = new Set(done.flatMap((each) => each.deaths));
    expect(crashPoints.filter((point) => !deaths.has(point))).toEqual([]);
    const reached = new Set(done.flatMap((each) => each.ends));
    expect(ends.filter((end) => !reached.has(end))).toEqual([]);
    expect(done.some(({ redelivered }) => redelivered > 0)).toBe(true);
  });

  it('a seed runs again the same way', async () => {
    for (const first of done.slice(0, 5)) {
      const again = await run(first.seed);
      expect(again.trace).toEqual(first.trace);
    }
  });
});

/** Crash points and ends with how often; of a single seed, all that happened. */
function report(): string {
  const counted = (all: readonly string[]): string =>
    [...Map.groupBy(all, (each) => each)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([each, of]) => `  ${each.padEnd(16)}${of.length}`)
      .join('\n');
  return [
    ...(only === undefined ? [] : done.flatMap(({ trace }) => trace)),
    `Exactly once, seeds ${firstSeed} to ${firstSeed + runs - 1}. Crashes:`,
    counted(done.flatMap(({ deaths }) => deaths)),
    'Ends of intents:',
    counted(done.flatMap((each) => each.ends)),
  ].join('\n');
}

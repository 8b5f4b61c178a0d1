/** A short form of `npm run simulate`, which runs a thousand seeds: that runs are clean, exact, and shrink to what matters. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { shrink } from '../../simulation/shrink.ts';
import type { SimulationResult } from '../../simulation/simulate.ts';

const main = fileURLToPath(new URL('../../simulation/main.ts', import.meta.url));
/** A process of its own: a run takes the clock, the timers and the chance of its whole process. */
const simulate = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args]);

interface Answer {
  readonly clean: boolean;
  readonly seeds: number;
  readonly allSteps: number;
  readonly violations: readonly unknown[];
}

describe('the simulation', () => {
  it('runs its first seeds without a broken rule', { timeout: 120_000 }, async () => {
    const { stdout } = await simulate('--seeds', '8', '--workers', '1', '--json');
    const answer = JSON.parse(stdout) as Answer;
    expect(answer.violations).toEqual([]);
    expect(answer).toMatchObject({ clean: true, seeds: 8 });
    expect(answer.allSteps).toBeGreaterThan(8 * 2000);
  });

  it('plays a seed the same way each time, and another one otherwise', { timeout: 120_000 }, async () => {
    const [once, again, other] = await Promise.all(
      ['7', '7', '8'].map((seed) => simulate('--seed', seed, '--steps', '600')),
    );
    expect(again!.stdout).toBe(once!.stdout);
    expect(other!.stdout).not.toBe(once!.stdout);
    expect(once!.stdout.split('\n').length).toBeGreaterThan(20);
  });

  it.each([
    [['--seeds', 'many'], /--seeds is "many"; give a whole number from 1/],
    [['--only', '3,x'], /--only is "3,x"; give numbers of actions, for example 3,7,12-15/],
    [['--fast'], /--fast/],
  ])('refuses %j with what to give instead', async (args, words) => {
    await expect(simulate(...args)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(words) as string,
    });
  });
});

describe('a failure', () => {
  /** Breaks where both of two actions are carried out. */
  function runOf(only: ReadonlySet<number>, needed: readonly number[]): SimulationResult {
    const actions = [...only].sort((a, b) => a - b);
    const isBroken = needed.every((number) => only.has(number));
    return {
      seed: 1,
      actions,
      violations: isBroken ? [{ invariant: 'gate', message: 'both', step: actions.length }] : [],
      steps: 1,
      simulatedMs: 1,
      trace: [],
      figures: {},
    };
  }

  it('is shrunk to the actions without which it does not happen', async () => {
    const all = new Set(Array.from({ length: 60 }, (_, number) => number));
    const { kept, runs } = await shrink(runOf(all, [7, 41]), async (only) => runOf(only, [7, 41]));
    expect(kept).toEqual([7, 41]);
    expect(runs).toBeLessThan(80);
  });

  it('keeps what breaks by itself, without any action', async () => {
    const all = new Set([1, 2, 3]);
    expect((await shrink(runOf(all, []), async (only) => runOf(only, []))).kept).toEqual([]);
  });
});

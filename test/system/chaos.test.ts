/** The short form of `npm run chaos`: what no other test does to the whole sandbox. docs/chaos.md has all of it. */
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { generateTape, writeTape } from '../../sandbox/tapes/generate.ts';
import { conduct } from '../chaos/conduct.ts';
import { fullDisk } from '../chaos/experiments/disks.ts';
import { stopStreamer } from '../chaos/experiments/stops.ts';
import type { Experiment } from '../chaos/trial.ts';
import { cleanFolders, scratchFolder } from '../helpers/desk-runs.ts';
import { aggregateTape } from '../helpers/reference-bars.ts';

afterAll(cleanFolders);

/** The form of the full disk that any machine has. */
const full = fullDisk(false, 2_000);

/** One after the other on one sandbox, of which a start is half. */
const both: Experiment = {
  ...full,
  name: 'full-disk, then stop-streamer',
  boundMs: 200_000,
  run: async (sandbox, trial) => {
    await full.run(sandbox, trial);
    await stopStreamer.run(sandbox, trial);
  },
};

it('a full disk is told and ends by itself, a streamer that stood still writes nothing when it wakes; the book is as the broker has it', async () => {
  const file = join(scratchFolder(), 'tape.csv');
  await writeTape(file, generateTape({ seed: 3, minutes: 120, ticksPerMinute: 20 }));
  const tape = { file, reference: (await aggregateTape(file)).bars };
  const { signal } = new AbortController();
  const steps: string[] = [];
  const say = (words: string) => steps.push(words);
  const { checks, figures } = await conduct(both, { tape, seed: 3, minutes: 1, say, signal, warmMs: 1_000 });
  expect(
    checks.filter(({ isMet }) => !isMet),
    steps.join('\n'),
  ).toEqual([]);
  expect(checks.length).toBeGreaterThan(10);
  expect(figures?.own.sent).toBeGreaterThan(0);
});

/** The short form of `npm run chaos`: what no other test does to the whole sandbox. docs/chaos.md has all of it; lease.test.ts lets a streamer stand still. */
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { generateTape, writeTape } from '../../sandbox/tapes/generate.ts';
import { conduct } from '../chaos/conduct.ts';
import { fullDisk } from '../chaos/experiments/disks.ts';
import { cleanFolders, scratchFolder } from '../helpers/desk-runs.ts';
import { aggregateTape } from '../helpers/reference-bars.ts';

afterAll(cleanFolders);

/** The form of the full disk that any machine has. */
const experiment = fullDisk(false, 2_000);

it('a full disk is told and ends by itself; the book is as the broker has it', async () => {
  const file = join(scratchFolder(), 'tape.csv');
  await writeTape(file, generateTape({ seed: 3, minutes: 120, ticksPerMinute: 20 }));
  const tape = { file, reference: (await aggregateTape(file)).bars };
  const { signal } = new AbortController();
  const steps: string[] = [];
  const say = (words: string) => steps.push(words);
  const options = { tape, seed: 3, minutes: 1, say, signal, warmMs: 1_000 };
  const { checks, figures } = await conduct(experiment, options);
  expect(
    checks.filter(({ isMet }) => !isMet),
    steps.join('\n'),
  ).toEqual([]);
  expect(checks.map(({ what }) => what)).toEqual([
    'steady before',
    'trading stopped within 10.0 s',
    'it was not ready meanwhile',
    'trading again within 60.0 s',
    'alert outbox_unwritable within 20.0 s',
    'steady after',
    'book, trail, candles and orders are whole',
  ]);
  expect(figures?.own.sent).toBeGreaterThan(0);
});

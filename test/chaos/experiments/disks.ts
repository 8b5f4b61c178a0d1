/** The disk under the outbox: full, and slow. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Disk } from '../disk.ts';
import { untilTrading } from '../recovery.ts';
import type { Experiment, Prepared } from '../trial.ts';

const fullMsStandard = 6_000;
const slowForMs = 15_000;
const deployedTtlMs = 20_000;

function prepareDisk(mayMount: boolean, keep: (disk: Disk) => void) {
  return (folder: string): Prepared => {
    const disk = new Disk(folder, mayMount);
    keep(disk);
    return { streamerEnv: disk.env, remove: () => disk.remove() };
  };
}

export function fullDisk(mayMount: boolean, fullMs = fullMsStandard): Experiment {
  let disk: Disk;
  return {
    name: mayMount ? 'full-disk' : 'full-disk-pages',
    does: `The disk of the outbox is full for ${fullMs / 1_000} s while orders come${mayMount ? ' (a small file system where this user may mount one)' : ' (SQLite held to the pages that it has)'}.`,
    expects:
      'Nothing more leaves: the streamer ends and cannot start, `outbox_unwritable` tells why. With space again it starts by itself, and asks the broker for what it could not write.',
    boundMs: 240_000,
    prepare: prepareDisk(mayMount, (made) => {
      disk = made;
    }),
    run: async (sandbox, trial) => {
      const { watch, keeper, traffic } = sandbox;
      trial.note('form', disk.form);
      const sinceMs = performance.now();
      disk.fill();
      const stopped = await watch.until((now) => now.ready !== 200, 20_000, sinceMs);
      trial.expectWithin('trading stopped', stopped, 10_000);
      const before = traffic.keys.length;
      await sleep(fullMs);
      trial.note('starts that failed', String(keeper.endings.length));
      trial.expect('it was not ready meanwhile', watch.now.ready !== 200);
      trial.note('commands meanwhile', String(traffic.keys.length - before));
      const healedMs = performance.now();
      disk.heal();
      await untilTrading(sandbox, trial, 60_000, healedMs);
      trial.expectWithin(
        'alert outbox_unwritable',
        await watch.untilAlert('outbox_unwritable', 5_000, sinceMs),
        20_000,
      );
      for (const how of new Set(keeper.endings.map(({ how }) => how))) trial.note('it ended with', how);
    },
  };
}

function slowDisk(): Experiment {
  let disk: Disk;
  return {
    name: 'slow-disk',
    does: `Every write of the outbox takes 50 to 500 ms, for ${slowForMs / 1_000} s.`,
    expects: `Slower and nothing else: the lease, which lives ${deployedTtlMs / 1_000} s as deployed, is kept; no bar and no event is lost.`,
    boundMs: 300_000,
    prepare: (folder) => ({
      ...prepareDisk(false, (made) => {
        disk = made;
      })(folder),
      ttlMs: deployedTtlMs,
    }),
    run: async ({ watch, keeper }, trial) => {
      const { token } = watch.now;
      disk.slow(50, 500);
      const sinceMs = performance.now();
      await sleep(slowForMs);
      disk.heal();
      const sights = watch.sights.filter((now) => now.atMs > sinceMs);
      trial.note(
        'sights in which it was ready',
        `${sights.filter((now) => now.ready === 200).length} of ${sights.length}`,
      );
      trial.expect('the lease is kept', watch.now.token === token, `${token} to ${watch.now.token}`);
      trial.expect(
        'it went on',
        keeper.endings.length === 0,
        keeper.endings.map(({ how }) => how).join('; '),
      );
    },
  };
}

export const disks: readonly Experiment[] = [fullDisk(true), fullDisk(false), slowDisk()];

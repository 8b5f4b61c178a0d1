import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { manifestKey } from '../../../lib/domain/backup/backup-id.ts';
import type { BackupManifest } from '../../../lib/domain/backup/manifest.ts';
import { CallLostError, FunctionFailedError } from '../../../lib/ports/function-caller.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { account, createDesk, nowMs, type TestDesk } from './desk.ts';

const functionName = 'evenkeel-sandbox-backup';

describe.skipIf(!engineIsHere)(
  `commands of backups${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    let engine: DynamoEngine;
    let desk: TestDesk;

    beforeAll(async () => {
      engine = await startDynamoEngine();
    });
    beforeEach(async () => {
      desk = await createDesk(engine);
      return () => desk.stop();
    });
    afterAll(async () => {
      await engine.stop();
    });

    const json = async (...argv: string[]) => JSON.parse((await desk.run(...argv, '--json')).out);
    /** Something to back up: flags, and the row that says who set them. */
    const write = (reason = 'the day begins') =>
      desk.run('flags', 'set', 'SAFE_MODE', 'false', '--reason', reason);
    const manifests = () =>
      [...desk.world.backups.store.objects.keys()].filter((key) => key.startsWith('manifests/'));
    const edit = (key: string, change: (bytes: Uint8Array) => Uint8Array) => {
      const { objects } = desk.world.backups.store;
      objects.set(key, [change(objects.get(key)!.at(-1)!)]);
    };

    describe('backup', () => {
      it('asks the function with who and why, and shows what was made', async () => {
        await write();
        const { code, out, err } = await desk.run('backup', '--reason', ' before the upgrade ', '--candles');
        expect(code, err).toBe(0);
        expect(desk.world.backups.asked).toEqual([
          {
            trigger: 'operator',
            by: desk.world.identity.arn,
            reason: 'before the upgrade',
            candles: true,
          },
        ]);
        expect(out).toMatch(/^Backup made: db_backup_20260105_15\d{4}, number 1\.$/m);
        expect(out).toMatch(/items +3\b/);
        expect(manifests()).toEqual([manifestKey(1)]);
      });

      it('leaves candles to the configuration where nothing is said of them', async () => {
        const made = await json('backup');
        expect(made).toMatchObject({ number: 1, parts: 1 });
        expect(desk.world.backups.asked[0]).not.toHaveProperty('candles');
      });

      it('shows what comes into the bucket while it waits, and nothing of an earlier backup', async () => {
        await desk.run('backup');
        const { objects } = desk.world.backups.store;
        let looks = 0;
        desk.world.backups.answer = async () => {
          await new Promise<void>((resolve) => {
            desk.world.onSleep = () => {
              looks += 1;
              if (looks === 7)
                objects.set('parts/db_backup_20260105_235959/book-00000.ndjson.zst', [new Uint8Array(2_048)]);
              if (looks === 14) resolve();
            };
          });
          throw new Error('enough');
        };
        const { err } = await desk.run('backup');
        expect(err).toMatch(/^Backing up: no part yet$/m);
        expect(err).toMatch(/^Backing up: 1 part, 2\.0 KiB stored$/m);
      });

      it('gives the function’s own words and where the rest is', async () => {
        desk.world.backups.answer = async () => {
          throw new FunctionFailedError(
            functionName,
            'BackupError',
            'BACKUP_RESTORE_UNDER_WAY: A restore is under way. No backup was made.',
          );
        };
        const { code, out, err } = await desk.run('backup');
        expect({ code, out }).toEqual({ code: 1, out: '' });
        expect(err).toContain('BACKUP_RESTORE_UNDER_WAY: A restore is under way. No backup was made.');
        expect(err).toContain('logs backup');
      });

      it('names the kind of an error that is none of the project’s', async () => {
        desk.world.backups.answer = async () => {
          throw new FunctionFailedError(
            functionName,
            'Sandbox.Timedout',
            'Task timed out after 900.00 seconds',
          );
        };
        const { code, err } = await desk.run('backup');
        expect(code).toBe(1);
        expect(err).toContain(
          'FUNCTION_FAILED: Sandbox.Timedout: Task timed out after 900.00 seconds. The function',
        );
      });

      it('says that it may still be running when the connection is lost', async () => {
        desk.world.backups.answer = async () => {
          throw new CallLostError(functionName, 'socket hang up');
        };
        const { code, err } = await desk.run('backup');
        expect(code).toBe(1);
        expect(err).toContain('BACKUP_UNKNOWN');
        expect(err).toContain('may still be running: look for it with backups');
      });

      it('is of the whole stage', async () => {
        expect(await desk.run('--account', account, 'backup')).toMatchObject({
          code: 2,
          err: expect.stringContaining('Leave --account out'),
        });
        expect(desk.world.backups.asked).toEqual([]);
      });
    });

    describe('backups', () => {
      it('says that there is none', async () => {
        expect(await desk.run('backups')).toMatchObject({
          code: 0,
          out: expect.stringContaining('The stage sandbox has no backup yet'),
        });
        expect(await json('backups', 'list')).toEqual({ stage: 'sandbox', backups: [] });
      });

      it('lists them, the newest first', async () => {
        await write();
        await desk.run('backup', '--reason', 'the first');
        await desk.run('backup', '--reason', 'the second');
        const { backups } = await json('backups');
        expect(backups).toMatchObject([
          {
            number: 2,
            trigger: `operator ${desk.world.identity.arn}: the second`,
            auditRows: 1,
            finding: null,
          },
          { number: 1, instant: '2026-01-05T15:00:00.000Z', orders: 0, fills: 0 },
        ]);
        expect(Date.parse(backups[1].lockedUntil) - nowMs).toBeGreaterThan(30 * 86_400_000);
        const { code, out } = await desk.run('backups');
        expect(code).toBe(0);
        const [head, second, first] = out.split('\n');
        expect(head).toMatch(
          /^# +backup +instant +age +orders +fills +audit rows +stored +locked until +asked for$/,
        );
        expect(second).toMatch(/^2 +db_backup_20260105_\d{6} .* operator user\/operator: the second$/);
        expect(first).toMatch(/^1 .* 2026-01-05 16:00:00 .* 2026-02-04 +operator user\/operator: the first$/);
      });

      it('marks one whose manifest was edited, exit code 3', async () => {
        await desk.run('backup', '--reason', 'edited later');
        edit(manifestKey(1), (bytes) =>
          Buffer.from(Buffer.from(bytes).toString().replace('edited later', 'edited')),
        );
        const { code, out } = await desk.run('backups');
        expect(code).toBe(3);
        expect(out).toContain('MANIFEST_CHANGED: The manifest manifests/000001.json');
        expect((await json('backups')).backups[0].finding).toMatchObject({ code: 'MANIFEST_CHANGED' });
      });

      it('names one that cannot be read at all', async () => {
        await desk.run('backup');
        edit(manifestKey(1), () => Buffer.from('no manifest'));
        const { code, out } = await desk.run('backups');
        expect(code).toBe(3);
        expect(out).toMatch(/^1 +unreadable/m);
        expect(out).toContain('MANIFEST_MALFORMED');
      });

      it('do not need an account', async () => {
        expect((await desk.run('backups')).code).toBe(0);
      });
    });

    describe('backups show', () => {
      it('is the manifest as a table, for a person', async () => {
        await write();
        await desk.run('backup', '--reason', 'before the upgrade');
        const { code, out } = await desk.run('backups', 'show');
        expect(code).toBe(0);
        expect(out).toMatch(/^number +1 of the stage sandbox$/m);
        expect(out).toMatch(/^instant +2026-01-05 16:00:00\.000: what a restore brings back$/m);
        expect(out).toMatch(/^asked for +operator .*: before the upgrade$/m);
        expect(out).toMatch(/^made on +nothing: it is the first of the stage$/m);
        expect(out).toMatch(/^DU1234567 +2026-01-05 16:00:00\.000 +flags +1$/m);
        expect(out).toMatch(
          /^DU1234567 +operator +1 +0 +2026-01-05 +2026-01-05 16:00:00\.000 +[0-9a-f]{16}$/m,
        );
        expect(out).toMatch(/^parts\/db_backup_\d+_\d+\/audit-00000\.ndjson\.zst +1 /m);
      });

      it('with --json the manifest itself, by number, id or as the latest', async () => {
        await desk.run('backup');
        const manifest: BackupManifest = JSON.parse(
          Buffer.from((await desk.world.backups.store.get(manifestKey(1)))!).toString(),
        );
        for (const name of ['1', manifest.id, 'latest'])
          expect(await json('backups', 'show', name)).toEqual(manifest);
      });

      it('shows one that is bad, with what is bad about it', async () => {
        await desk.run('backup');
        edit(manifestKey(1), (bytes) =>
          Buffer.from(Buffer.from(bytes).toString().replace('"0.1.0"', '"9.1.0"')),
        );
        const { code, out } = await desk.run('backups', 'show', '1');
        expect(code).toBe(3);
        expect(out).toContain('Evenkeel 9.1.0');
        expect(out).toContain('MANIFEST_CHANGED');
      });

      it.each([
        [['yesterday'], 'yesterday names no backup. Allowed: an id'],
        [['17'], 'There is no backup number 17'],
        [['db_backup_20250101_000000'], 'There is no backup db_backup_20250101_000000'],
      ])('%j is named', async (argv, words) => {
        await desk.run('backup');
        const { code, out, err } = await desk.run('backups', 'show', ...argv);
        expect({ code, out }).toEqual({ code: 2, out: '' });
        expect(err).toContain(words);
      });
    });

    describe('verify', () => {
      beforeEach(async () => {
        await write();
        await desk.run('backup');
        await desk.run('backup');
      });

      it.each([['verify'], ['backups verify'], ['verify latest']])(
        '%s reads the newest back',
        async (words) => {
          const { code, out } = await desk.run(...words.split(' '));
          expect(code, out).toBe(0);
          expect(out).toMatch(/^2 +db_backup_\S+ +2 of 2 +3 .* ok$/m);
          expect(out).toContain('Everything was read back');
        },
      );

      it('--all reads every one', async () => {
        const { ok, backups } = await json('verify', '--all');
        expect(ok).toBe(true);
        expect(backups).toMatchObject([
          { number: 2, ok: true, parts: 2, items: 3, finding: null },
          { number: 1, ok: true, parts: 2, items: 3, finding: null },
        ]);
      });

      it('names the bad part, exit code 3', async () => {
        const [part] = [...desk.world.backups.store.objects.keys()].filter((key) => key.includes('audit-'));
        edit(part!, (bytes) => bytes.with(20, bytes[20]! ^ 1));
        const { code, out } = await desk.run('verify', '--all');
        expect(code).toBe(3);
        expect(out).toMatch(/^2 .* ok$/m);
        expect(out).toMatch(/^1 +db_backup_\S+ +1 of 2 .* BACKUP_PART_CHANGED$/m);
        expect(out).toContain(`BACKUP_PART_CHANGED: The part ${part}`);
        expect(await json('verify', '1')).toMatchObject({ ok: false, backups: [{ finding: { key: part } }] });
        expect((await desk.run('verify')).code).toBe(0);
      });

      it('says that there is nothing to verify', async () => {
        desk.world.backups.store.objects.clear();
        for (const argv of [['verify'], ['verify', '--all']]) {
          expect(await desk.run(...argv)).toMatchObject({
            code: 2,
            err: expect.stringContaining('There is no backup at all'),
          });
        }
      });
    });

    describe('doctor', () => {
      const finding = async () =>
        (await json('doctor', '--seconds', '1')).findings.find(
          ({ check }: { check: string }) => check === 'last backup',
        );

      it('is content with a young backup', async () => {
        await desk.run('backup');
        expect(await finding()).toMatchObject({
          state: 'ok',
          message: expect.stringMatching(/number 1, .* manifest whole/),
        });
      });

      it('warns a stage that has just begun, and does not call it broken', async () => {
        desk.world.onSleep = () => {
          desk.world.heartbeat = {
            ...desk.world.heartbeat!,
            feeds: [{ ...desk.world.heartbeat!.feeds[0]!, trades: 200 }],
          };
        };
        const { code, out } = await desk.run('doctor');
        expect(code, out).toBe(0);
        expect(out).toMatch(/^warning {2}last backup {10}there is none yet\n +-> Make one now: backup/m);
        expect(out).toContain('Nothing is broken; 3 warnings.');
      });

      it('finds that a book of three days has none', async () => {
        await write();
        desk.later(3 * 86_400_000);
        expect(await finding()).toMatchObject({
          state: 'problem',
          message: 'there is none, and the book has been written since 2026-01-05',
        });
      });

      it('finds that the daily one did not come', async () => {
        await desk.run('backup');
        desk.later(27 * 3_600_000);
        expect(await finding()).toMatchObject({
          state: 'problem',
          message: expect.stringContaining('did not come'),
        });
      });

      it('finds a manifest that is not whole', async () => {
        await desk.run('backup');
        edit(manifestKey(1), (bytes) => bytes.subarray(0, 100));
        expect(await finding()).toMatchObject({
          state: 'problem',
          message: expect.stringContaining('MANIFEST'),
        });
      });
    });
  },
);

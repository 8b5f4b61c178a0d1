/** Restores on a real engine: damaged backups, processes that die, writers that do not wait. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chainTools, digest } from '../../lib/aws/audit-hash.ts';
import { BookError } from '../../lib/aws/book-error.ts';
import { LeaseTable } from '../../lib/aws/lease-table.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import { restoreBackup } from '../../lib/backup/restore.ts';
import { foldTrail } from '../../lib/domain/audit/fold.ts';
import { verifyAudit } from '../../lib/domain/audit/verify.ts';
import { type BackupManifest, manifestHash } from '../../lib/domain/backup/manifest.ts';
import type { Lease } from '../../lib/ports/lease-store.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';
import { sha256 } from '../helpers/folder-bucket.ts';
import {
  changeBy,
  clientOf,
  createDesk,
  type Desk,
  place,
  startMs,
  tradeDay,
  tradeDays,
  untouched,
} from '../helpers/restore-desk.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;
const dayMs = 86_400_000;
const account = 'DU1';
const isProof = process.env.EVENKEEL_PROOF === '1';

let engine: DynamoEngine;
let desks = 0;

async function freshDesk(days = 1): Promise<Desk> {
  desks += 1;
  const desk = await createDesk(engine, `restore${desks}`);
  if (days > 0) await tradeDays(desk, account, days);
  return desk;
}

async function dumps(desk: Desk): Promise<unknown[]> {
  return [await desk.dump('book'), await desk.dump('audit'), await desk.dump('control')];
}

async function expectWhole(desk: Desk): Promise<void> {
  const reports = await verifyAudit(desk.tables.audit, account, digest);
  expect(reports.flatMap(({ finding }) => finding ?? [])).toEqual([]);
  const folded = await foldTrail(desk.tables.audit, account, chainTools.keyOf);
  const items = await collect(desk.tables.another().all(account));
  expect(items.map(({ ref, version, body }) => [chainTools.keyOf(ref), version, body])).toEqual(
    [...folded]
      .map(([key, { version, body }]) => [key, version, body])
      .sort(([a], [b]) => (a! < b! ? -1 : 1)),
  );
}

describe.skipIf(!engineIsHere)(`restore on a real engine${skipped}`, () => {
  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  afterAll(() => engine?.stop());

  describe('a damaged backup is refused by name, and nothing is written', () => {
    let desk: Desk;
    let manifest: BackupManifest;
    let whole: string;
    beforeAll(async () => {
      desk = await freshDesk(2);
      ({ manifest } = await desk.backup());
      await desk.wipe();
      whole = `${desk.bucket.folder}-whole`;
      cpSync(desk.bucket.folder, whole, { recursive: true });
    });
    // What was refused has left the tables empty: only the bucket is to be mended.
    beforeEach(() => {
      rmSync(desk.bucket.folder, { recursive: true });
      cpSync(whole, desk.bucket.folder, { recursive: true });
    });

    const partOf = (table: string, index = 0) =>
      manifest.parts.filter((part) => part.table === table)[index]!;

    async function expectRefused(code: string, names: string, changes = {}): Promise<void> {
      const refused = restoreBackup(desk.request(changes));
      await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(names) });
      expect(await dumps(desk)).toEqual([new Map(), new Map(), new Map()]);
    }

    function forge(
      change: (forged: { -readonly [K in keyof BackupManifest]: BackupManifest[K] }) => void,
      rehash: boolean,
    ): void {
      const forged = structuredClone(manifest);
      change(forged);
      const hash = rehash ? manifestHash(forged, digest) : forged.hash;
      desk.bucket.overwrite('manifests/000001.json', Buffer.from(JSON.stringify({ ...forged, hash })));
    }

    it.each(['book', 'audit'])('a flipped bit in a part of %s', async (table) => {
      const { key } = partOf(table);
      const bytes = Buffer.from((await desk.bucket.get(key))!);
      bytes[40]! ^= 1;
      desk.bucket.overwrite(key, bytes);
      await expectRefused('BACKUP_PART_CHANGED', key);
    });

    it('a missing part', async () => {
      const { key } = partOf('book', 1);
      desk.bucket.remove(key);
      await expectRefused('BACKUP_PART_MISSING', key);
    });

    it('a truncated part', async () => {
      const { key } = partOf('audit', 1);
      desk.bucket.overwrite(key, (await desk.bucket.get(key))!.subarray(0, 100));
      await expectRefused('BACKUP_PART_TRUNCATED', key);
    });

    it('two parts that were swapped', async () => {
      const [one, two] = [partOf('book', 0).key, partOf('book', 1).key];
      const [first, second] = [await desk.bucket.get(one), await desk.bucket.get(two)];
      desk.bucket.overwrite(one, second!);
      desk.bucket.overwrite(two, first!);
      await expectRefused('BACKUP_PART_SWAPPED', one);
    });

    it('a forged manifest', async () => {
      forge((forged) => {
        forged.instant = '2026-01-01T00:00:00.000Z';
      }, false);
      await expectRefused('MANIFEST_CHANGED', 'manifests/000001.json');
    });

    it('a manifest that was forged with its hash: what it says is not what its parts have', async () => {
      forge((forged) => {
        forged.accounts = forged.accounts.map((one) => ({ ...one, items: { ...one.items, order: 99 } }));
      }, true);
      await expectRefused('RESTORE_BOOK_CONTRADICTS_TRAIL', 'items of kind order');
    });

    it('a row that was edited before it was hashed into its part', async () => {
      const part = partOf('audit');
      const lines = zstdDecompressSync((await desk.bucket.get(part.key))!);
      const edited = Buffer.from(lines.toString().replace('GCZ3', 'GCZ4'));
      expect(edited.equals(lines)).toBe(false);
      const stored = zstdCompressSync(edited);
      desk.bucket.overwrite(part.key, stored);
      forge((forged) => {
        forged.parts = forged.parts.map((one) =>
          one.key === part.key ? { ...one, storedBytes: stored.byteLength, sha256: sha256(stored) } : one,
        );
        forged.tables = forged.tables.map((one) =>
          one.table === 'audit'
            ? { ...one, storedBytes: one.storedBytes + stored.byteLength - part.storedBytes }
            : one,
        );
      }, true);
      await expectRefused('RESTORE_TRAIL_BROKEN', 'of the chain');
    });

    it('a manifest of another AWS account, region, stage', async () => {
      await expectRefused('MANIFEST_OTHER_ACCOUNT', '111111111111', {
        place: { ...place, awsAccount: '111111111111' },
      });
      await expectRefused('MANIFEST_OTHER_REGION', 'eu-west-1', { place: { ...place, region: 'eu-west-1' } });
      await expectRefused('MANIFEST_OTHER_STAGE', 'live', { place: { ...place, stage: 'live' } });
    });

    it('a newer schema', async () => {
      forge((forged) => {
        forged.schemaVersion = 2;
      }, true);
      await expectRefused('MANIFEST_TOO_NEW', 'schema version 2');
    });

    it('an account that is not in it, and a restore without a reason', async () => {
      await expectRefused('RESTORE_ACCOUNT_NOT_IN_BACKUP', 'DU9', { accounts: ['DU9'] });
      await expectRefused('RESTORE_REASON_MISSING', 'reason', { reason: ' ' });
    });
  });

  it('is refused where the surviving trail differs from the backup, or has a hole', async () => {
    const desk = await freshDesk(2);
    await desk.backup();
    await tradeDay(desk.tables.book, account, 5);
    await desk.wipe(['book']);
    const keys = [...(await desk.dump('audit')).keys()].filter((key) => key.includes('2026-01-10'));
    const [pk = '', sk = ''] = keys[1]!.split(' ');
    await desk.tables.deleteRow(pk, sk);
    const before = await dumps(desk);
    await expect(restoreBackup(desk.request())).rejects.toMatchObject({ code: 'RESTORE_TRAIL_BROKEN' });
    expect(await dumps(desk)).toEqual(before);
  });

  it.each(['is not sent', 'is lost after it was done'])(
    'killed at every call that %s, and run again',
    async (how) => {
      const desk = await freshDesk(1);
      await desk.backup({ meanwhile: () => tradeDay(desk.tables.book, account, 3) });
      const [book, audit] = [untouched(await desk.dump('book')), [...(await desk.dump('audit')).values()]];
      const { wholeCalls, control } = await wholeRestore(desk);
      let finished = 0;
      // A call that is lost after it was done leaves what the next one finds that is not sent. So the two ways take turns, and
      // of all that a death can leave every second is tried, the last one included; `EVENKEEL_PROOF=1` tries each in both ways.
      const last = how === 'is not sent' ? wholeCalls - 1 : wholeCalls;
      const [first, step] = isProof ? [1, 1] : [1 + ((last - 1) % 4), 4];
      for (let nth = first; nth <= wholeCalls; nth += step) {
        await desk.wipe();
        const client = mortal(engine.endpoint, nth, how === 'is not sent');
        await expect(restoreBackup(desk.request({ client }))).rejects.toThrow('killed');
        client.destroy();
        const { accounts } = await restoreBackup(desk.request());
        if (accounts[0]?.how === 'already') finished += 1;
        expect(untouched(await desk.dump('book'))).toEqual(book);
        expect(untouched(await desk.dump('audit'))).toEqual(audit);
        expect(await desk.dump('control')).toEqual(control);
        expect(await collect(desk.tables.audit.rows(account, 'restore'))).toHaveLength(1);
      }
      // Only a last call whose answer was lost leaves nothing to do.
      expect(finished).toBe(how === 'is not sent' ? 0 : 1);
      await expectWhole(desk);
      console.log(`killed at ${isProof ? 'each' : 'every fourth'} of ${wholeCalls} calls`);
    },
  );

  async function wholeRestore(desk: Desk) {
    await desk.wipe();
    const counting = mortal(engine.endpoint, Number.POSITIVE_INFINITY, true);
    await restoreBackup(desk.request({ client: counting }));
    counting.destroy();
    return { wholeCalls: counting.calls(), control: await desk.dump('control') };
  }

  it(`in place: killed at every ${isProof ? '' : 'second '}call, and run again`, async () => {
    const desk = await freshDesk(1);
    await desk.backup();
    const wanted = await bodies(desk);
    const backupFirst = async () => ({ id: 'db_backup_20260204_000000' });
    for (let nth = 1, isWhole = false; !isWhole; nth += isProof ? 1 : 2) {
      await changeBy('plan', desk.tables.another(), account, `X${nth}`, { nth }, startMs + 2 * dayMs);
      await changeBy('plan', desk.tables.another(), account, 'P10', { nth }, startMs + 2 * dayMs);
      // Before and after it was done in turn.
      const client = mortal(engine.endpoint, nth, (isProof ? nth : (nth + 1) / 2) % 2 === 0);
      const attempt = restoreBackup(desk.request({ client, inPlace: true, backupFirst }));
      isWhole = await attempt.then(
        () => true,
        (error: Error) => {
          if (!error.message.includes('killed')) throw error;
          return false;
        },
      );
      client.destroy();
      await restoreBackup(desk.request({ inPlace: true, backupFirst }));
      expect(await bodies(desk)).toEqual(wanted);
    }
    await expectWhole(desk);
  });

  async function bodies(desk: Desk): Promise<Record<string, unknown>> {
    const items = await collect(desk.tables.another().all(account));
    const compared = items.filter(({ ref }) => !['audit-head', 'flags', 'lock'].includes(ref.kind));
    return Object.fromEntries(compared.map(({ ref, body }) => [chainTools.keyOf(ref), body]));
  }

  it('killed by SIGKILL in the middle, and run again', async () => {
    const desk = await freshDesk(1);
    const { manifest } = await desk.backup();
    const book = untouched(await desk.dump('book'));
    await desk.wipe();
    const script = fileURLToPath(new URL('../helpers/restore-child.ts', import.meta.url));
    const argv = [script, engine.endpoint, JSON.stringify(desk.names), desk.bucket.folder];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    expect(said.toString()).toContain('here');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const half = await desk.dump('book');
    expect(half.get('A#DU1 AUDIT#operator')).toContain(manifest.id);
    const items = [...half.keys()].filter((key) => !key.includes(' AUDIT#')).length;
    expect(items).toBeGreaterThan(0);
    expect(items).toBeLessThan(book.length / 2);

    const { accounts } = await restoreBackup(desk.request());
    expect(accounts).toMatchObject([{ how: 'empty', resumed: true }]);
    expect(untouched(await desk.dump('book'))).toEqual(book);
    await expectWhole(desk);
  });

  it('with a book-keeper at work nothing slips in between the fence and the end', async () => {
    const desk = await freshDesk(2);
    await desk.backup();
    const book = untouched(await desk.dump('book'));
    // One that has the chain's head in its memory, and one that was just started.
    const keepers = [desk.tables.book, desk.tables.another()];
    await desk.wipe();
    let isOver = false;
    let refused = 0;
    const keep = async (keeper: Desk['tables']['book'], n: number): Promise<void> => {
      for (let at = 0; !isOver; at += 1) {
        // Until the fence stands an event would make the book a used one, so both wait for it.
        try {
          await changeBy('book-keeper', keeper, account, `X${n}-${at}`, { n: at }, startMs + 40 * dayMs);
        } catch (error) {
          if (error instanceof BookError && error.code === 'BOOK_RESTORING') refused += 1;
        }
      }
    };
    const begun = Promise.withResolvers<void>();
    const restoring = restoreBackup(
      desk.request({
        onProgress: ({ phase }) => {
          if (phase === 'load') begun.resolve();
        },
      }),
    );
    await begun.promise;
    const kept = keepers.map((keeper, n) => keep(keeper, n));
    await restoring;
    while (refused === 0) await new Promise(setImmediate);
    isOver = true;
    await Promise.all(kept);
    const after = await desk.dump('book');
    const slipped = new Map([...after].filter(([key]) => !/ORDER#X|AUDIT#book-keeper/.test(key)));
    expect(untouched(slipped)).toEqual(book.filter((text) => !text.includes('AUDIT#book-keeper')));
    expect(refused).toBeGreaterThan(0);
    // What came after the end is on the restored chain.
    await expectWhole(desk);
    console.log(`${refused} changes refused while the book was closed`);
  });

  it('a writer that remembers a chain from before the restore does not fork it', async () => {
    const desk = await freshDesk(1);
    await desk.backup();
    const remembers = desk.tables.book;
    await tradeDay(remembers, account, 3);
    await desk.wipe();
    await restoreBackup(desk.request());
    // Another writer brings the chain to the number that the first remembers.
    await tradeDay(desk.tables.another(), account, 4);
    await tradeDay(remembers, account, 5);
    await expectWhole(desk);
  });

  it('while it is closed readers of the trail find no chain, and people may not set flags', async () => {
    const desk = await freshDesk(0);
    const { target } = desk.request();
    const fence = {
      restoring: 'db_backup_20260105_031500',
      manifestHash: 'f'.repeat(64),
      startedAt: '2026-02-01T00:00:00.000Z',
    };
    expect(await target.imports.raise(account, ['operator', 'restore'], fence)).toBe('raised');
    expect(await target.imports.raise(account, ['operator'], fence)).toBe('conflict');
    expect(await desk.tables.audit.chains(account)).toEqual([]);
    expect(await verifyAudit(desk.tables.audit, account, digest)).toEqual([]);
    const store = new SafetyStore({ book: desk.tables.book });
    await expect(
      store.setFlags(account, { DRY_RUN: false }, { who: 'a', reason: 'b' }),
    ).rejects.toMatchObject({
      code: 'BOOK_RESTORING',
      message: expect.stringContaining('db_backup_20260105_031500'),
    });
    await target.imports.lift(account, (await target.imports.fence(account))!);
    expect((await desk.dump('book')).size).toBe(0);
  });

  describe('the lease of a restored account', () => {
    it.each([
      ['is not there', undefined, { token: 5, released: true }, { before: null, after: 5 }],
      ['is behind the epochs of the book', 2, { token: 5, released: true }, { before: 2, after: 5 }],
      ['is ahead of them', 9, { token: 9, released: false }, null],
    ] as const)('%s', async (_, token, expected, told) => {
      const desk = await freshDesk(3);
      await desk.backup();
      await desk.wipe();
      const leases = new LeaseTable({
        client: engine.client,
        tableName: desk.names.control,
        timeoutMs: 20_000,
      });
      if (token !== undefined) {
        const lease: Lease = { holder: 'streamer', token, version: 7, renewedAtMs: 1, released: false };
        await leases.replace(account, undefined, lease);
      }
      const { accounts } = await restoreBackup(desk.request());
      expect(accounts[0]?.leaseToken).toEqual(told);
      expect(await leases.read(account)).toMatchObject(expected);
    });
  });
});

interface MortalClient extends DynamoDBClient {
  calls(): number;
}

/** A client whose process dies at its nth call: before it was sent, or after it was done and before the answer came. */
function mortal(endpoint: string, nth: number, before: boolean): MortalClient {
  const client = clientOf(endpoint);
  let calls = 0;
  client.middlewareStack.add(
    (next) => async (args) => {
      calls += 1;
      const own = calls;
      if (own > nth || (own === nth && before)) throw new Error('killed');
      const result = await next(args);
      if (own === nth) throw new Error('killed');
      return result;
    },
    { step: 'initialize', name: 'mortal' },
  );
  return Object.assign(client, { calls: () => calls });
}

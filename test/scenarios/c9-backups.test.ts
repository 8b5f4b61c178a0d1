/** C9: backups. What is in one is what the book was at one instant; what is not whole is refused by name. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bookEvent } from '../../functions/book-keeper/book-event.ts';
import { canonicalJson, chainTools, digest } from '../../lib/aws/audit-hash.ts';
import { openRestoreTarget, restoreTools } from '../../lib/aws/restore-target.ts';
import { DynamoTableScan } from '../../lib/aws/table-scan.ts';
import { expireBackups } from '../../lib/backup/expire-backups.ts';
import { listBackups } from '../../lib/backup/list-backups.ts';
import { openBackup } from '../../lib/backup/open-backup.ts';
import { restoreBackup } from '../../lib/backup/restore.ts';
import { verifyBackup } from '../../lib/backup/verify-backup.ts';
import type { AuditImage, ChainHead } from '../../lib/domain/audit/row.ts';
import { backupId, manifestKey } from '../../lib/domain/backup/backup-id.ts';
import { type BackedUpChain, type BackupManifest, manifestHash } from '../../lib/domain/backup/manifest.ts';
import { foldTail } from '../../lib/domain/backup/tail.ts';
import type { Json } from '../../lib/domain/book/item.ts';
import type { Book } from '../../lib/ports/book.ts';
import type { TableScan } from '../../lib/ports/table-scan.ts';
import { backUp, place, startedMs } from '../helpers/backup-stage.ts';
import { commissionEvent, fillEvent, orderEvent, positionEvent } from '../helpers/book-events.ts';
import { type BookTables, createBookTables } from '../helpers/book-tables.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';
import { MemoryBackupStore, StoreKilled } from '../helpers/memory-backup-store.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;
const dayMs = 86_400_000;

let engine: DynamoEngine;

async function bookDay(book: Book, account: string, atMs: number): Promise<void> {
  const at = (seq: number) => ({ account, seq });
  const events = [
    orderEvent('order.placed', 13, { status: 'PreSubmitted', brokerStatus: 'PreSubmitted' }, at(1)),
    fillEvent(13, { execBase: 'e.1', revision: 1, quantity: '2' }, at(2)),
    orderEvent('order.filled', 13, { status: 'Filled', brokerStatus: 'Filled' }, at(3)),
    commissionEvent('P13', 'e.1', 1, '2.32', at(4)),
    positionEvent(5, '2', at(5)),
  ];
  for (const event of events) {
    await bookEvent(event, { book, nowMs: () => atMs, sleep: async () => undefined, random: Math.random });
  }
}

describe.skipIf(!engineIsHere)(`C9 backups${skipped}`, () => {
  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  afterAll(() => engine?.stop());

  describe('S138 the checks of a backup', () => {
    let tables: BookTables;
    const whole = new MemoryBackupStore();
    let manifest: BackupManifest;

    beforeAll(async () => {
      tables = await createBookTables(engine, 's138');
      await bookDay(tables.book, 'DU1', startedMs - dayMs);
      await bookDay(tables.book, 'DU2', startedMs - dayMs);
      await backUp(engine, tables, whole, { nowMs: () => startedMs - 3_600_000 });
      // Small parts, so that there are several of each table.
      ({ manifest } = await backUp(engine, tables, whole, { partBytes: 2_000 }));
      await backUp(engine, tables, whole, { nowMs: () => startedMs + 3_600_000 });
    });

    const verify = (store: MemoryBackupStore, number = 2, at = place) =>
      verifyBackup({ store, number, digest, place: at });

    it('S138 manifest checksum ok: everything is read back, and counts of both accounts are in it', async () => {
      const report = await verify(whole);
      expect(report.finding).toBeUndefined();
      expect(report).toMatchObject({ parts: manifest.parts.length, manifest: { number: 2 } });
      expect(manifest.parts.length).toBeGreaterThan(4);
      expect(manifest.id).toBe('db_backup_20260105_031500');
      const items = { api: 1, fill: 1, order: 1, perm: 1, position: 1, ref: 1 };
      expect(manifest.accounts).toMatchObject([
        { account: 'DU1', items, auditRows: 5, orderEvents: 4 },
        { account: 'DU2', items, auditRows: 5, orderEvents: 4 },
      ]);
      expect(manifest.tables).toMatchObject([
        { table: 'book', name: 's138-book', items: 14 },
        { table: 'audit', name: 's138-audit', items: 10 },
      ]);
      expect(manifest.previous).toMatchObject({ number: 1 });
    });

    it('S138 the manifest can be read by a person', () => {
      const text = Buffer.from(whole.read(manifestKey(2))!).toString();
      expect(text).toContain('\n  "instant": "2026-01-04T03:15:00.000Z",\n');
      expect(text.split('\n').length).toBeGreaterThan(50);
    });

    const part = (index: number): string => manifest.parts[index]!.key;
    const edit =
      (change: (manifest: BackupManifest) => object, rehash = false) =>
      (body: Uint8Array) => {
        const former = JSON.parse(Buffer.from(body).toString()) as BackupManifest;
        const changed = { ...former, ...change(former) } as BackupManifest;
        const hash = rehash ? manifestHash(changed, digest) : changed.hash;
        return Buffer.from(JSON.stringify({ ...changed, hash }));
      };

    it.each([
      [
        'mismatch: a flipped bit',
        'BACKUP_PART_CHANGED',
        () => part(3),
        (body: Uint8Array) => body.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
      ],
      ['missing object', 'BACKUP_PART_MISSING', () => part(1), () => undefined],
      [
        'truncated upload',
        'BACKUP_PART_TRUNCATED',
        () => part(2),
        (body: Uint8Array) => body.subarray(0, -1),
      ],
      ['an empty object', 'BACKUP_PART_TRUNCATED', () => part(0), () => new Uint8Array()],
      ['swapped parts', 'BACKUP_PART_SWAPPED', () => part(1), () => whole.read(part(2))],
    ] as const)('S138 %s is refused by name', async (_, code, keyOf, change) => {
      const store = whole.copy();
      store.damage(keyOf(), change);
      const { finding, ...report } = await verify(store);
      expect(finding).toMatchObject({ code, key: keyOf() });
      expect(finding?.message).toContain(keyOf());
      expect(report.parts).toBe(manifest.parts.findIndex(({ key }) => key === keyOf()));
    });

    it.each([
      ['an edited manifest', 'MANIFEST_CHANGED', 2, edit(() => ({ instant: '2026-01-05T03:14:00.000Z' }))],
      [
        'a forged manifest, hash and all',
        'MANIFEST_CHAIN_BROKEN',
        2,
        edit(() => ({ instant: '2026-01-05T03:14:00.000Z' }), true),
      ],
      [
        'a forged manifest before it',
        'MANIFEST_CHAIN_BROKEN',
        1,
        edit(() => ({ programVersion: '6' }), true),
      ],
      ['an edited manifest after it', 'MANIFEST_CHAIN_BROKEN', 3, edit(() => ({ programVersion: '6' }))],
      [
        'sums that are none',
        'MANIFEST_CONTRADICTORY',
        2,
        edit(({ parts }) => ({ parts: parts.slice(1) }), true),
      ],
      ['a newer schema', 'MANIFEST_TOO_NEW', 2, edit(() => ({ schemaVersion: 2, more: 'of it' }), true)],
      ['a manifest with a member too many', 'MANIFEST_MALFORMED', 2, edit(() => ({ extra: 1 }), true)],
      ['half a manifest', 'MANIFEST_MALFORMED', 2, (body: Uint8Array) => body.subarray(0, 200)],
      ['one that belongs to another number', 'MANIFEST_CHAIN_BROKEN', 2, () => whole.read(manifestKey(1))],
    ] as const)('S138 %s is refused by name', async (_, code, number, change) => {
      const store = whole.copy();
      store.damage(manifestKey(number), change);
      const { finding } = await verify(store);
      expect(finding).toMatchObject({ code, key: manifestKey(number) });
      expect(finding?.message).toContain(manifestKey(number));
      await expect(openBackup({ store, number: 2, digest, place })).rejects.toMatchObject({ code });
    });

    it('S138 a manifest that was written over, with a whole new chain after it, is refused by its versions', async () => {
      const store = whole.copy();
      const former = JSON.parse(Buffer.from(store.read(manifestKey(3))!).toString()) as BackupManifest;
      const forged = { ...former, programVersion: '6' };
      const body = Buffer.from(JSON.stringify({ ...forged, hash: manifestHash(forged, digest) }));
      store.write(manifestKey(3), body);
      expect((await verify(store, 3)).finding).toMatchObject({
        code: 'MANIFEST_REPLACED',
        key: manifestKey(3),
      });
      expect((await verify(store, 2)).finding).toMatchObject({
        code: 'MANIFEST_REPLACED',
        key: manifestKey(3),
      });
    });

    it('S138 a manifest that is gone from between others is named', async () => {
      const store = whole.copy();
      store.damage(manifestKey(2), () => undefined);
      expect((await verify(store, 1)).finding).toMatchObject({
        code: 'MANIFEST_CHAIN_BROKEN',
        key: manifestKey(2),
      });
      await expect(verify(store, 2)).rejects.toMatchObject({ code: 'BACKUP_NOT_FOUND' });
      // The newest stands: those before it may have expired.
      expect((await verify(store, 3)).finding).toBeUndefined();
    });

    it.each([
      ['region', 'MANIFEST_OTHER_REGION', { ...place, region: 'us-east-1' }],
      ['AWS account', 'MANIFEST_OTHER_ACCOUNT', { ...place, awsAccount: '111111111111' }],
      ['stage', 'MANIFEST_OTHER_STAGE', { ...place, stage: 'live' }],
    ] as const)('S138 a backup of the wrong %s is refused', async (_, code, at) => {
      const { finding } = await verifyBackup({ store: whole, digest, place: at });
      expect(finding).toMatchObject({ code, key: manifestKey(3) });
    });

    it('S138 the list shows the others beside a broken one, newest first', async () => {
      const store = whole.copy();
      store.damage(manifestKey(2), (body) => body.subarray(0, 200));
      const listed = await listBackups(store, digest);
      expect(listed.map(({ number, error }) => [number, error?.code])).toEqual([
        [3, undefined],
        [2, 'MANIFEST_MALFORMED'],
        [1, undefined],
      ]);
      // A new backup links to the newest that can be read, and verification goes on naming the broken one.
      const { manifest: next } = await backUp(engine, tables, store, {
        nowMs: () => startedMs + 2 * 3_600_000,
      });
      expect(next).toMatchObject({ number: 4, previous: { number: 3 } });
      expect((await verify(store, 4)).finding).toMatchObject({ key: manifestKey(2) });
    });

    it('S138 killed at any call of the bucket: no manifest, and the next run is clean', async () => {
      const calls = await callsOf((store) => backUp(engine, tables, store, { partBytes: 15_000 }));
      expect(calls).toBeGreaterThan(5);
      for (let killedAt = 1; killedAt <= calls; killedAt += 1) {
        const store = new MemoryBackupStore();
        store.killedAt = killedAt;
        await expect(backUp(engine, tables, store, { partBytes: 15_000 })).rejects.toBeInstanceOf(
          StoreKilled,
        );
        expect(store.keys('manifests/')).toEqual([]);
        store.killedAt = Number.POSITIVE_INFINITY;
        const { manifest: next } = await backUp(engine, tables, store, { partBytes: 15_000 });
        expect(next.number).toBe(1);
        expect((await verify(store, 1)).finding).toBeUndefined();
      }
    });

    it('S138 stopped by its caller: nothing is under way any more, and there is no manifest', async () => {
      const store = new MemoryBackupStore();
      const stop = new AbortController();
      const made = backUp(engine, tables, store, {
        pageItems: 2,
        signal: stop.signal,
        onProgress: ({ done }) => {
          if (done >= 4) stop.abort(new Error('enough'));
        },
      });
      await expect(made).rejects.toThrow('enough');
      expect(store.keys('manifests/')).toEqual([]);
    });

    it('S138 two backups in one second: each has its own id and number', async () => {
      const store = new MemoryBackupStore();
      const two = await Promise.all([backUp(engine, tables, store), backUp(engine, tables, store)]);
      expect(two.map(({ manifest: { id } }) => id).sort()).toEqual([
        'db_backup_20260105_031500',
        'db_backup_20260105_031501',
      ]);
      expect(new Set(two.map(({ manifest: { number } }) => number))).toEqual(new Set([1, 2]));
      for (const number of [1, 2]) expect((await verify(store, number)).finding).toBeUndefined();
    });

    it('S138 a lost answer to the manifest does not make a second one', async () => {
      const store = new MemoryBackupStore();
      store.lostAnswers.add(manifestKey(1));
      expect((await backUp(engine, tables, store)).manifest.number).toBe(1);
      expect(store.keys('manifests/')).toEqual([manifestKey(1)]);
    });

    it('S138 an empty stage has a backup, too', async () => {
      const empty = await createBookTables(engine, 's138-empty');
      const store = new MemoryBackupStore();
      await backUp(engine, empty, store);
      expect(await verify(store, 1)).toMatchObject({ parts: 1, items: 0 });
    });
  });

  describe('S140 retention', () => {
    it('S140 backups past their time are marked, never the newest five, and what was cut off with them', async () => {
      const tables = await createBookTables(engine, 's140-old');
      await bookDay(tables.book, 'DU1', startedMs);
      const store = new MemoryBackupStore();
      for (let day = 0; day < 8; day += 1) {
        await backUp(engine, tables, store, { nowMs: () => startedMs + day * dayMs });
      }
      const idAt = (day: number): string => backupId(new Date(startedMs + day * dayMs).toISOString());
      store.write('parts/db_backup_20260101_000000/book-00000.ndjson.zst', new Uint8Array([1]));
      store.write('parts/db_backup_20260301_000000/book-00000.ndjson.zst', new Uint8Array([1]));
      const rule = { retentionDays: 30, keepAtLeast: 5 };

      expect(await expireBackups({ store, nowMs: startedMs + 30 * dayMs, ...rule })).toMatchObject({
        backups: [],
      });
      const later = await expireBackups({ store, nowMs: startedMs + 32 * dayMs, ...rule });
      expect(later).toEqual({
        backups: [idAt(0), idAt(1)],
        unfinished: ['db_backup_20260101_000000'],
      });
      const much = await expireBackups({ store, nowMs: Date.UTC(2027, 0, 1), ...rule });
      expect(much.backups).toEqual([idAt(0), idAt(1), idAt(2)]);
      expect(new Set(store.expired)).toContain(manifestKey(3));
      expect(store.expired).not.toContain(manifestKey(4));
      // Marked, not deleted.
      expect((await verifyBackup({ store, number: 1, digest, place })).finding).toBeUndefined();
    });
  });

  it('S140 a backup while writes are in flight is the book at one instant', async () => {
    const tables = await createBookTables(engine, 's140');
    const { meanwhile, manifest, store } = await backUpUnderWrites(tables);
    console.log(`S140: ${meanwhile} commits between the first and the last page of the book`);
    expect(meanwhile).toBeGreaterThanOrEqual(100);
    const restored = await restoredBook(store, manifest);
    for (const account of writtenAccounts) {
      const { chains, items } = manifest.accounts.find((one) => one.account === account)!;
      // Rows of the backup that are not in the items as they were read.
      expect(chains.some((chain) => chain.seq > chain.from)).toBe(true);
      const atInstant = await foldedBook(tables, account, chains);
      expect(await restored.bookOf(account)).toEqual(atInstant);
      expect(items).toEqual({
        order: Object.keys(atInstant).filter((key) => key.startsWith('ORDER#')).length,
      });
      // The rule itself against the table: at the end of all rows stands what stands there.
      const there = await collect(tables.book.all(account));
      const heads = there.filter(({ ref }) => ref.kind === 'audit-head');
      const all = heads.map(({ ref, body }) => ({
        writer: ref.id,
        from: 0,
        ...(body as never as ChainHead),
      }));
      expect(await foldedBook(tables, account, all)).toEqual(
        textOf(new Map(there.map((item) => [chainTools.keyOf(item.ref), item]))),
      );
    }
    const rows = new Set(await linesOf(tables.auditTable));
    expect(restored.rows.filter((row) => !rows.has(row))).toEqual([]);
    const counted = manifest.accounts.reduce((sum, { auditRows }) => sum + auditRows, 0);
    expect(restored.rows.length).toBe(counted);
    expect((await verifyBackup({ store, digest, place })).finding).toBeUndefined();
  });
});

async function callsOf(make: (store: MemoryBackupStore) => Promise<unknown>): Promise<number> {
  const store = new MemoryBackupStore();
  await make(store);
  return store.calls;
}

const writtenAccounts = ['DU1', 'DU2'] as const;
const writers = ['book-keeper', 'operator', 'reconcile'] as const;

/**
 * Random creations and changes by several writers, all the time while a backup reads small pages. No deletions: dynoxide
 * 1.2.1 ends a scan when the item that it is to go on behind is gone, which DynamoDB does not. Histories with deletions
 * are in test/unit/backup/tail.prop.test.ts.
 */
async function backUpUnderWrites(tables: BookTables) {
  let commits = 0;
  let isOver = false;
  const write = async (account: string, writer: string, seed: number): Promise<void> => {
    const book = tables.another();
    const random = randomOf(seed);
    while (!isOver) {
      const ids = new Set(Array.from({ length: 1 + random(3) }, () => `P${random(120)}`));
      const refs = [...ids].map((id) => ({ kind: 'order', id }) as const);
      const items = await book.read(account, refs);
      const writes = refs.map((ref, index) => {
        const expectedVersion = items[index]?.version ?? 0;
        return { ref, expectedVersion, body: { note: `${writer} "ü" ${random(1e6)}` } };
      });
      const result = await book.commit({
        account,
        writer,
        cause: { kind: 'event', id: `${seed}`, name: 'test', reason: '' },
        // Clocks that do not agree.
        atMs: startedMs + commits * 10 - random(2_000),
        orderKey: random(2) === 0 ? '' : refs[0]!.id,
        writes,
      });
      if (result === 'committed') commits += 1;
    }
  };
  const working = writtenAccounts.flatMap((account, at) =>
    writers.map((writer, index) => write(account, writer, at * 10 + index + 1)),
  );
  while (commits < 150) await new Promise(setImmediate);
  const store = new MemoryBackupStore();
  let first = -1;
  let last = 0;
  const pages = new DynamoTableScan({ client: engine.client, pageItems: 3 });
  let seen = 0;
  const scan: TableScan = {
    segment: (table, segment) => pages.segment(table, segment),
    async *pages(table, segment, read) {
      for await (const page of pages.pages(table, segment, read)) {
        if (table === tables.bookTable) {
          if (first < 0) first = commits;
          // However fast the engine reads, each page comes a few commits after the one before.
          seen += 1;
          while (commits < first + seen * 3) await new Promise(setImmediate);
          last = commits;
        }
        yield page;
      }
    },
  };
  // Of DU2 nobody told: all of its rows are replayed.
  const { manifest, gaps } = await backUp(engine, tables, store, {
    scan,
    accounts: ['DU1'],
    partBytes: 20_000,
  });
  expect(gaps).toEqual([]);
  isOver = true;
  await Promise.all(working);
  return { meanwhile: last - first, manifest, store };
}

type State = Readonly<Record<string, string>>;

/** What a restore of the backup into empty tables leaves, but for what it says of itself. */
async function restoredBook(
  store: MemoryBackupStore,
  manifest: BackupManifest,
): Promise<{ readonly bookOf: (account: string) => Promise<State>; readonly rows: readonly string[] }> {
  const tables = await createBookTables(engine, 's140-restored');
  await engine.createTable('s140-restored-control');
  const { bookTable: book, auditTable: audit } = tables;
  const { accounts } = await restoreBackup({
    store,
    target: openRestoreTarget(engine.client, { book, audit, control: 's140-restored-control' }),
    tools: restoreTools,
    place,
    nowMs: () => startedMs + dayMs,
    backup: manifest.id,
    who: 'somebody',
    reason: 'test',
    inPlace: false,
    backupFirst: () => Promise.reject(new Error('the book is empty')),
  });
  for (const { counts } of accounts) for (const one of counts) expect(one.restored).toBe(one.manifest);
  const said = /^(FLAGS|LOCK|AUDIT#restore)$/;
  return {
    bookOf: async (account) => {
      const items = await collect(tables.book.all(account));
      const named = items.map((item) => ({ ...item, key: chainTools.keyOf(item.ref) }));
      return textOf(new Map(named.filter(({ key }) => !said.test(key)).map((item) => [item.key, item])));
    },
    rows: (await linesOf(audit)).filter((line) => !line.includes('"sk":{"S":"restore#')),
  };
}

/** Every item of a table as it is stored, in the order of their text. */
async function linesOf(table: string): Promise<string[]> {
  const scan = new DynamoTableScan({ client: engine.client });
  const pages = await collect(scan.segment(table, { index: 0, of: 1 }));
  return pages
    .flat()
    .map(({ text }) => canonicalJson(JSON.parse(text) as Json))
    .sort();
}

/**
 * The book that the rows alone make, up to each chain's number, with the heads of these chains. Of clocks that do not
 * agree only this fold finds the order of deletions.
 */
async function foldedBook(
  { audit }: BookTables,
  account: string,
  chains: readonly BackedUpChain[],
): Promise<State> {
  const rows = await Promise.all(
    chains.map(async ({ writer, seq }) =>
      (await collect(audit.rows(account, writer))).filter((row) => row.seq <= seq),
    ),
  );
  const images = new Map<string, AuditImage>();
  for (const [item, image] of foldTail(rows, () => 0)) if (image) images.set(item, image);
  for (const { writer, seq, hash, at, since } of chains) {
    images.set(`AUDIT#${writer}`, { version: seq, body: { seq, hash, at, since } });
  }
  return textOf(images);
}

function textOf(images: ReadonlyMap<string, AuditImage>): State {
  const texts = [...images].map(
    ([key, { version, body }]) => [key, canonicalJson({ version, body })] as const,
  );
  return Object.fromEntries(texts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whole numbers below a bound, the same for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

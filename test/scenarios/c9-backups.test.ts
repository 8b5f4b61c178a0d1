/** C9: backups. What is in one is what the book was at one instant; what is not whole is refused by name. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bookEvent } from '../../functions/book-keeper/book-event.ts';
import { canonicalJson, chainTools, digest } from '../../lib/aws/audit-hash.ts';
import { auditRow } from '../../lib/aws/audit-item.ts';
import { fromAttributes } from '../../lib/aws/marshalling.ts';
import { DynamoTableScan } from '../../lib/aws/table-scan.ts';
import { expireBackups } from '../../lib/backup/expire-backups.ts';
import { listBackups } from '../../lib/backup/list-backups.ts';
import { openBackup } from '../../lib/backup/open-backup.ts';
import { readPart } from '../../lib/backup/part-reader.ts';
import { verifyBackup } from '../../lib/backup/verify-backup.ts';
import type { AuditImage, AuditRow } from '../../lib/domain/audit/row.ts';
import { backupId, manifestKey } from '../../lib/domain/backup/backup-id.ts';
import { type BackupManifest, manifestHash } from '../../lib/domain/backup/manifest.ts';
import { foldTail } from '../../lib/domain/backup/tail.ts';
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
      const calls = await callsOf((store) => backUp(engine, tables, store, { partBytes: 4_000 }));
      expect(calls).toBeGreaterThan(5);
      for (let killedAt = 1; killedAt <= calls; killedAt += 1) {
        const store = new MemoryBackupStore();
        store.killedAt = killedAt;
        await expect(backUp(engine, tables, store, { partBytes: 4_000 })).rejects.toBeInstanceOf(StoreKilled);
        expect(store.keys('manifests/')).toEqual([]);
        store.killedAt = Number.POSITIVE_INFINITY;
        const { manifest: next } = await backUp(engine, tables, store, { partBytes: 4_000 });
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
    for (const account of writtenAccounts) {
      expect(await stateAtInstant(store, manifest, account)).toEqual(
        await foldAtInstant(tables, manifest, account),
      );
    }
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

/** Random creations, changes and deletions by several writers, all the time while a backup reads small pages. */
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
        // No deletions: dynoxide 1.2.1 ends a scan when the item that it is to go on behind is gone; DynamoDB does not.
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
    async *segment(table, segment) {
      for await (const page of pages.segment(table, segment)) {
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

/** What a restore makes of a backup: the items as they were read, and over them the images of the rows since. */
async function stateAtInstant(
  store: MemoryBackupStore,
  manifest: BackupManifest,
  account: string,
): Promise<State> {
  const state = new Map<string, AuditImage | null>();
  for await (const { pk, sk, item } of itemsOf(store, manifest, 'book')) {
    if (pk === `A#${account}`) state.set(sk, { version: Number(item.version?.N), body: bodyOf(item) });
  }
  const rows: AuditRow[] = [];
  for await (const { pk, item } of itemsOf(store, manifest, 'audit')) {
    if (pk.startsWith(`A#${account}#`)) rows.push(auditRow(account, item));
  }
  const { chains } = manifest.accounts.find((one) => one.account === account)!;
  const from = new Map(chains.map((chain) => [chain.writer, chain.from]));
  expect(chains.some((chain) => chain.seq > chain.from)).toBe(true);
  const before = foldTail(byWriter(rows.filter(({ writer, seq }) => seq <= from.get(writer)!)), () => 0);
  const tail = byWriter(rows.filter(({ writer, seq }) => seq > from.get(writer)!));
  for (const [sk, image] of foldTail(tail, (item) => before.get(item)?.version ?? 0)) state.set(sk, image);
  return textOf(state);
}

/** The same from the trail alone, read from the table: every row up to the numbers in the manifest. */
async function foldAtInstant(tables: BookTables, manifest: BackupManifest, account: string): Promise<State> {
  const { chains, items } = manifest.accounts.find((one) => one.account === account)!;
  const rows = await Promise.all(
    chains.map(async ({ writer, seq }) =>
      (await collect(tables.audit.rows(account, writer))).filter((row) => row.seq <= seq),
    ),
  );
  const state = textOf(foldTail(rows, () => 0));
  expect(items).toEqual({ order: Object.keys(state).length });
  // The rule itself against the table: at the end of all rows stands what stands there.
  const all = await Promise.all(chains.map(({ writer }) => collect(tables.audit.rows(account, writer))));
  const there = await collect(tables.book.list(account, 'order'));
  expect(textOf(foldTail(all, () => 0))).toEqual(
    textOf(new Map(there.map(({ ref, version, body }) => [chainTools.keyOf(ref), { version, body }]))),
  );
  return state;
}

function byWriter(rows: readonly AuditRow[]): AuditRow[][] {
  return writers.map((writer) => rows.filter((row) => row.writer === writer).sort((a, b) => a.seq - b.seq));
}

function textOf(images: ReadonlyMap<string, AuditImage | null>): State {
  const there = [...images].filter(([sk, image]) => image !== null && !sk.startsWith('AUDIT#'));
  return Object.fromEntries(there.map(([sk, image]) => [sk, canonicalJson({ ...image })]));
}

async function* itemsOf(store: MemoryBackupStore, { parts }: BackupManifest, table: 'book' | 'audit') {
  for (const part of parts.filter((one) => one.table === table)) {
    for await (const { pk, sk, text } of readPart(store, part)) {
      const { Item: item } = JSON.parse(text) as { Item: Record<string, AttributeValue> };
      yield { pk, sk, item };
    }
  }
}

function bodyOf(item: Readonly<Record<string, AttributeValue>>): AuditImage['body'] {
  return fromAttributes(item.body?.M ?? {});
}

/** Whole numbers below a bound, the same for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

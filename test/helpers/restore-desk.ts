/** A desk's tables on a real engine, with a history in them, a bucket of backups, and ways to lose them. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { bookEvent } from '../../functions/book-keeper/book-event.ts';
import { canonicalJson } from '../../lib/aws/audit-hash.ts';
import { openRestoreTarget, restoreTools } from '../../lib/aws/restore-target.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import { storedKeys } from '../../lib/aws/stored-keys.ts';
import { DynamoTableScan } from '../../lib/aws/table-scan.ts';
import { unlogged } from '../../lib/aws/unlogged.ts';
import { type MadeBackup, makeBackup } from '../../lib/backup/make-backup.ts';
import type { RestoreRequest } from '../../lib/backup/restore-types.ts';
import type { BookBody } from '../../lib/domain/book/item.ts';
import type { Book } from '../../lib/ports/book.ts';
import type { TableScan } from '../../lib/ports/table-scan.ts';
import { commissionEvent, fillEvent, orderEvent, positionEvent } from './book-events.ts';
import { type BookTables, createBookTables } from './book-tables.ts';
import type { DynamoEngine } from './dynamo-engine.ts';
import { FolderBucket } from './folder-bucket.ts';

export const place = { stage: 'paper', awsAccount: '000000000000', region: 'us-east-1' };
export const startMs = Date.UTC(2026, 0, 5, 14, 30);
const dayMs = 86_400_000;

export function clientOf(endpoint: string): DynamoDBClient {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return unlogged(new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 }));
}

export interface Desk {
  readonly prefix: string;
  readonly names: { readonly book: string; readonly audit: string; readonly control: string };
  readonly bucket: FolderBucket;
  readonly tables: BookTables;
  readonly engine: DynamoEngine;
  /** Deletes the tables and makes them anew. */
  wipe(which?: readonly ('book' | 'audit' | 'control')[]): Promise<void>;
  /** A table as text: one canonical line for each item, by its keys. */
  dump(table: 'book' | 'audit' | 'control'): Promise<ReadonlyMap<string, string>>;
  backup(options?: {
    readonly meanwhile?: () => Promise<unknown>;
    readonly atMs?: number;
    readonly accounts?: readonly string[];
  }): Promise<MadeBackup>;
  request(changes?: Partial<RestoreRequest> & { readonly client?: DynamoDBClient }): RestoreRequest;
}

export async function createDesk(engine: DynamoEngine, prefix: string): Promise<Desk> {
  const tables = await createBookTables(engine, prefix);
  const names = { book: tables.bookTable, audit: tables.auditTable, control: `${prefix}-control` };
  await engine.createTable(names.control);
  const bucket = new FolderBucket(mkdtempSync(path.join(tmpdir(), 'evenkeel-bucket-')));
  const scan = new DynamoTableScan({ client: engine.client, pageItems: 7 });
  return {
    prefix,
    names,
    bucket,
    tables,
    engine,
    async wipe(which = ['book', 'audit', 'control']) {
      // Both tables of the book are made by one helper, so what is to stay is put back.
      const kept = which.includes('audit') ? [] : await linesOf(scan, names.audit);
      for (const name of which.includes('book') ? [names.book, names.audit] : []) {
        await engine.client.send(new DeleteTableCommand({ TableName: name }));
      }
      if (which.includes('book')) await createBookTables(engine, prefix);
      if (kept.length > 0) await openRestoreTarget(engine.client, names).load.put(names.audit, kept);
      if (which.includes('control')) {
        await engine.client.send(new DeleteTableCommand({ TableName: names.control }));
        await engine.createTable(names.control);
      }
    },
    async dump(table) {
      const lines = await linesOf(scan, names[table]);
      return new Map(
        lines
          .map(({ pk, sk, text }) => [`${pk} ${sk}`, canonicalJson(JSON.parse(text))] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    },
    backup: ({ meanwhile, atMs = startMs + 20 * dayMs, accounts = ['DU1'] } = {}) =>
      makeBackup({
        book: tables.book,
        scan: meanwhile ? interrupted(scan, names.book, meanwhile) : scan,
        store: bucket,
        tables: names,
        keys: storedKeys,
        place,
        programVersion: '1.0.0',
        trigger: { kind: 'operator', by: 'somebody', reason: 'test' },
        digest: restoreTools.digest,
        nowMs: () => atMs,
        partBytes: 6_000,
        accounts,
      }),
    request: ({ client = engine.client, ...changes } = {}) => ({
      store: bucket,
      target: openRestoreTarget(client, names),
      tools: restoreTools,
      place,
      nowMs: () => startMs + 30 * dayMs,
      backup: 'latest',
      who: 'arn:aws:iam::000000000000:user/somebody',
      reason: 'the table was deleted',
      inPlace: false,
      backupFirst: () => Promise.reject(new Error('nobody asked for a backup')),
      ...changes,
    }),
  };
}

/** Days of orders, fills and positions, flags set by a person, an order that a plan removed. */
export async function tradeDays(desk: Desk, account: string, days: number, firstDay = 0): Promise<void> {
  const { book } = desk.tables;
  const store = new SafetyStore({ book, nowMs: () => startMs + firstDay * dayMs });
  await store.setFlags(
    account,
    { DRY_RUN: firstDay % 2 === 1, FORCE_SYNC_DELETE: true },
    { who: 'somebody', reason: `day ${firstDay}` },
  );
  for (let day = firstDay; day < firstDay + days; day += 1) {
    await tradeDay(book, account, day);
  }
  await changeBy('plan', book, account, `P${10 + firstDay}`, null, startMs + (firstDay + days) * dayMs);
}

/** @param lateMs how much later the events are delivered than they could be */
export async function tradeDay(book: Book, account: string, day: number, lateMs = 0): Promise<void> {
  const told = (seq: number) => ({ account, epoch: 3 + day, seq });
  const permId = 10 + day;
  const events = [
    orderEvent('order.placed', permId, { status: 'PreSubmitted', brokerStatus: 'PreSubmitted' }, told(1)),
    fillEvent(permId, { execBase: `e.${permId}`, revision: 1, quantity: '2' }, told(2)),
    orderEvent('order.filled', permId, { status: 'Filled', brokerStatus: 'Filled' }, told(3)),
    commissionEvent(`P${permId}`, `e.${permId}`, 1, '2.32', told(4)),
    positionEvent(5 + (day % 3), String(day), told(5)),
  ];
  for (const [index, event] of events.entries()) {
    const nowMs = () => startMs + day * dayMs + index * 1_000 + lateMs;
    await bookEvent(event, { book, nowMs, sleep: async () => undefined, random: Math.random });
  }
}

/** One item by another writer; null deletes it. */
export async function changeBy(
  writer: string,
  book: Book,
  account: string,
  id: string,
  body: BookBody | null,
  atMs: number,
): Promise<void> {
  const ref = { kind: 'order', id } as const;
  const [item] = await book.read(account, [ref]);
  const writes = [{ ref, expectedVersion: item?.version ?? 0, body }];
  const cause = { kind: 'plan', id: 'plan-1', name: 'sync', reason: '' } as const;
  const result = await book.commit({ account, writer, cause, atMs, orderKey: id, writes });
  if (result !== 'committed') throw new Error(`${id} could not be changed: ${result}`);
}

/** What a restore leaves as it was: everything but flags, lock, and the head of its own chain. */
export function untouched(dump: ReadonlyMap<string, string>): string[] {
  return [...dump]
    .filter(([key]) => !/ (FLAGS|LOCK|AUDIT#restore|restore#\d+)$/.test(key))
    .map(([, text]) => text);
}

async function linesOf(scan: TableScan, table: string) {
  const all = [];
  for await (const lines of scan.segment(table, { index: 0, of: 1 })) all.push(...lines);
  return all;
}

/** Something happens after the first page of the book was read. */
function interrupted(scan: TableScan, book: string, meanwhile: () => Promise<unknown>): TableScan {
  let once: Promise<unknown> | undefined;
  return {
    segment: (table, segment) => scan.segment(table, segment),
    async *pages(table, segment, read) {
      for await (const page of scan.pages(table, segment, read)) {
        if (table === book) {
          once ??= meanwhile();
          await once;
        }
        yield page;
      }
    },
  };
}

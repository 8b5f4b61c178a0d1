/**
 * Makes a backup of a stage while it is in use. The book is read page by page, which takes a while, and then its audit
 * trail up to one instant: what was written meanwhile is in the rows, and a restore lays their images over the items.
 * The manifest comes last, so that a backup is whole or does not exist.
 */
import { type ItemSpan, itemAt } from '../domain/backup/item-text.ts';
import {
  type BackedUpTable,
  type BackupManifest,
  type BackupPart,
  type BackupTrigger,
  backupSchemaVersion,
} from '../domain/backup/manifest.ts';
import { rowAt } from '../domain/backup/row-text.ts';
import type { Json } from '../domain/book/item.ts';
import type { BackupStore } from '../ports/backup-store.ts';
import type { BookReader } from '../ports/book.ts';
import type { StoredKeys } from '../ports/stored-keys.ts';
import type { StoredPage, TableScan } from '../ports/table-scan.ts';
import { AccountsInBook } from './accounts-in-book.ts';
import { BackupError } from './backup-error.ts';
import { accountOf, latest, totalsOf } from './backup-totals.ts';
import { type ChainHeads, readHeads } from './chain-heads.ts';
import type { BackupPlace } from './open-backup.ts';
import { BackupName, PartWriter } from './part-writer.ts';
import { type TrailGap, TrailInBackup } from './trail-in-backup.ts';
import type { BackupProgress } from './verify-backup.ts';
import { writeManifest } from './write-manifest.ts';

/** Segments of a table that are read at the same time: while one page is cut, the next ones are on their way. */
const segmentsAtOnce = 4;
const everyItem = () => true;

export interface MakeBackupOptions {
  readonly book: BookReader;
  readonly scan: TableScan;
  readonly store: Pick<BackupStore, 'put' | 'get' | 'list'>;
  /** Physical names. */
  readonly tables: { readonly book: string; readonly audit: string; readonly candles?: string };
  readonly keys: StoredKeys;
  readonly place: BackupPlace;
  readonly programVersion: string;
  readonly trigger: BackupTrigger;
  readonly digest: (value: Json) => string;
  readonly nowMs: () => number;
  /** Whether candles are in it; needs the name of their table. */
  readonly candles?: boolean;
  /** Accounts that are known beforehand. Of one that is first seen in the book all rows are replayed. */
  readonly accounts?: readonly string[];
  readonly onProgress?: (progress: BackupProgress) => void;
  readonly signal?: AbortSignal;
  /** Bytes of a part before compression. */
  readonly partBytes?: number;
}

export interface MadeBackup {
  readonly manifest: BackupManifest;
  readonly durationMs: number;
  /** Chains of which rows are missing in the audit table. The backup is whole, the trail is not. */
  readonly gaps: readonly TrailGap[];
}

/**
 * Makes one backup.
 *
 * @throws BackupError, or what a port threw; then there is no manifest and so no backup
 */
export async function makeBackup(options: MakeBackupOptions): Promise<MadeBackup> {
  const { book, place, programVersion, trigger, nowMs } = options;
  const startMs = nowMs();
  const name = new BackupName(startMs);
  const idle: Buffer[] = [];
  const before = await headsOf(book, options.accounts ?? []);
  const inBook = new AccountsInBook(options.keys);
  const bookParts = await copy(options, 'book', name, idle, itemAt, (page) => inBook.sees(page));
  const heads = await headsOf(book, [...new Set([...before.keys(), ...inBook.accounts])].sort());
  checkForward(before, heads);
  const trail = new TrailInBackup(heads, options.keys);
  const auditParts = await copy(options, 'audit', name, idle, rowAt, (page) => trail.take(page));
  const candleParts = options.candles
    ? await copy(options, 'candles', name, idle, itemAt, () => everyItem)
    : undefined;
  const accounts = [...heads].map(([account, chains]) =>
    accountOf(account, chains, before.get(account), trail.of(account), isoUtc(startMs)),
  );
  const parts = [...bookParts, ...auditParts, ...(candleParts ?? [])];
  const manifest = await writeManifest(options, {
    format: 'evenkeel-backup',
    schemaVersion: backupSchemaVersion,
    programVersion,
    id: await name.taken,
    ...place,
    trigger,
    startedAt: isoUtc(startMs),
    instant: latest(accounts.map(({ instant }) => instant)) ?? isoUtc(startMs),
    completedAt: isoUtc(nowMs()),
    accounts,
    tables: totalsOf(options, parts),
    parts,
  });
  return { manifest, durationMs: nowMs() - startMs, gaps: trail.gaps() };
}

/** Reads a whole table into parts; `choose` says of a page which items belong to the backup. */
async function copy<Span extends ItemSpan>(
  { scan, store, tables, onProgress, signal, partBytes }: MakeBackupOptions,
  table: BackedUpTable,
  name: BackupName,
  idle: Buffer[],
  read: (bytes: Uint8Array, start: number) => Span,
  choose: (page: StoredPage<Span>) => (item: Span) => boolean,
): Promise<readonly BackupPart[]> {
  const physical = tables[table];
  if (physical === undefined) throw new TypeError(`the table of ${table} has no name`);
  const writer = new PartWriter({
    store,
    table,
    name,
    idle,
    ...(partBytes === undefined ? {} : { partBytes }),
  });
  const failed = new AbortController();
  const stop = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const readSegment = async (index: number): Promise<void> => {
    try {
      for await (const page of scan.pages(physical, { index, of: segmentsAtOnce }, read)) {
        stop.throwIfAborted();
        await writer.add(page, choose(page));
        onProgress?.({ done: writer.items, bytes: writer.bytes });
      }
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  };
  const results = await Promise.allSettled(
    Array.from({ length: segmentsAtOnce }, (_, index) => readSegment(index)),
  );
  // Nothing of it goes on behind the back of whoever hears of the failure.
  await writer.settled();
  if (results.some(({ status }) => status === 'rejected')) throw stop.reason;
  // The book's first part takes the backup's id, so there is one even of an empty book.
  return writer.end({ atLeastOne: table === 'book' });
}

async function headsOf(book: BookReader, accounts: readonly string[]): Promise<Map<string, ChainHeads>> {
  const heads = new Map<string, ChainHeads>();
  for (const account of accounts) {
    const chains = await readHeads(book, account);
    if (chains.size > 0) heads.set(account, chains);
  }
  return heads;
}

/** A chain only grows. One that does not was taken away while it was read, and with it the meaning of the rows. */
function checkForward(before: ReadonlyMap<string, ChainHeads>, heads: ReadonlyMap<string, ChainHeads>): void {
  for (const [account, chains] of before) {
    for (const [writer, { seq }] of chains) {
      const now = heads.get(account)?.get(writer)?.seq ?? 0;
      if (now >= seq) continue;
      throw new BackupError(
        'BACKUP_HEADS_RESTLESS',
        '',
        `The chain ${writer} of account ${account} went back from row ${seq} to ${now}: the book was cleared or restored meanwhile.`,
      );
    }
  }
}

function isoUtc(ms: number): string {
  return new Date(ms).toISOString();
}

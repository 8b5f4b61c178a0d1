/**
 * Makes a backup of a stage while it is in use. The book is read page by page, which takes a while, and then its audit
 * trail up to one instant: what was written meanwhile is in the rows, and a restore lays their images over the items.
 * The manifest comes last, so that a backup is whole or does not exist.
 */
import {
  type BackedUpAccount,
  type BackedUpTable,
  type BackedUpTableTotals,
  type BackupManifest,
  type BackupPart,
  type BackupTrigger,
  backupSchemaVersion,
} from '../domain/backup/manifest.ts';
import { isOrderEvent, mayMakeOrDelete, readChanges } from '../domain/backup/row-text.ts';
import { TrailCount } from '../domain/backup/trail-count.ts';
import type { Json } from '../domain/book/item.ts';
import type { BackupStore } from '../ports/backup-store.ts';
import type { BookReader } from '../ports/book.ts';
import type { StoredKeys } from '../ports/stored-keys.ts';
import type { StoredLine, TableScan } from '../ports/table-scan.ts';
import { BackupError } from './backup-error.ts';
import { type ChainHeads, readHeads } from './chain-heads.ts';
import type { BackupPlace } from './open-backup.ts';
import { BackupName, PartWriter } from './part-writer.ts';
import type { BackupProgress } from './verify-backup.ts';
import { writeManifest } from './write-manifest.ts';

/** Segments of a table that are read at the same time: while one page is cut, the next ones are on their way. */
const segmentsAtOnce = 4;

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

export interface TrailGap {
  readonly account: string;
  readonly writer: string;
  /** Rows that the chain's head counts. */
  readonly expected: number;
  readonly found: number;
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
  const bookScan = new BookScan(options);
  const bookParts = await copy(options, 'book', name, idle, (page) => bookScan.take(page));
  const heads = await headsOf(book, [...new Set([...before.keys(), ...bookScan.accounts])].sort());
  checkForward(before, heads);
  const trail = new Trail(heads, options.keys);
  const auditParts = await copy(options, 'audit', name, idle, (page) => trail.take(page));
  const candleParts = options.candles
    ? await copy(options, 'candles', name, idle, (page) => page)
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

/** Reads a whole table into parts; `take` says which lines belong to the backup. */
async function copy(
  { scan, store, tables, onProgress, signal, partBytes }: MakeBackupOptions,
  table: BackedUpTable,
  name: BackupName,
  idle: Buffer[],
  take: (page: readonly StoredLine[]) => readonly StoredLine[],
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
  const read = async (index: number): Promise<void> => {
    try {
      for await (const page of scan.segment(physical, { index, of: segmentsAtOnce })) {
        stop.throwIfAborted();
        await writer.add(take(page));
        onProgress?.({ done: writer.items, bytes: writer.bytes });
      }
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  };
  const results = await Promise.allSettled(Array.from({ length: segmentsAtOnce }, (_, index) => read(index)));
  // Nothing of it goes on behind the back of whoever hears of the failure.
  await writer.settled();
  if (results.some(({ status }) => status === 'rejected')) throw stop.reason;
  // The book's first part takes the backup's id, so there is one even of an empty book.
  return writer.end({ atLeastOne: table === 'book' });
}

/** Accounts that are met in the book. */
class BookScan {
  readonly accounts = new Set<string>();
  readonly #keys: StoredKeys;
  #last = '';

  constructor({ keys }: MakeBackupOptions) {
    this.#keys = keys;
  }

  take(page: readonly StoredLine[]): readonly StoredLine[] {
    for (const { pk } of page) {
      if (pk === this.#last) continue;
      this.#last = pk;
      const account = this.#keys.accountOf(pk);
      if (account !== undefined) this.accounts.add(account);
    }
    return page;
  }
}

/** Rows up to the instant, and what they count. */
class Trail {
  readonly #heads: ReadonlyMap<string, ChainHeads>;
  readonly #keys: StoredKeys;
  readonly #counts = new Map<string, TrailCount>();
  #row = Buffer.allocUnsafeSlow(64 * 1024);

  constructor(heads: ReadonlyMap<string, ChainHeads>, keys: StoredKeys) {
    this.#heads = heads;
    this.#keys = keys;
  }

  take(page: readonly StoredLine[]): readonly StoredLine[] {
    return page.filter(({ pk, sk, text }) => {
      const { account, writer, seq } = this.#keys.rowOf(pk, sk);
      const head = this.#heads.get(account)?.get(writer);
      if (head === undefined || seq > head.seq) return false;
      const changes = mayMakeOrDelete(text) ? readChanges(this.#bytesOf(text)) : [];
      this.of(account).add(writer, { isOrderEvent: isOrderEvent(text), changes });
      return true;
    });
  }

  /** Valid until the next row. */
  #bytesOf(text: string): Uint8Array {
    // A character has at most three bytes in UTF-8.
    if (this.#row.length < text.length * 3) this.#row = Buffer.allocUnsafeSlow(text.length * 3);
    return this.#row.subarray(0, this.#row.write(text));
  }

  of(account: string): TrailCount {
    const known = this.#counts.get(account);
    if (known !== undefined) return known;
    const count = new TrailCount((item) => this.#keys.refOf(item)?.kind ?? 'unknown');
    this.#counts.set(account, count);
    return count;
  }

  gaps(): TrailGap[] {
    return [...this.#heads].flatMap(([account, chains]) =>
      [...chains]
        .map(([writer, { seq }]) => {
          const found = this.of(account).rowsOf(writer);
          return { account, writer, expected: seq, found };
        })
        .filter(({ expected, found }) => expected !== found),
    );
  }
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

function accountOf(
  account: string,
  heads: ChainHeads,
  before: ChainHeads | undefined,
  count: TrailCount,
  startedAt: string,
): BackedUpAccount {
  const { items, rows, orderEvents } = count.total();
  const chains = [...heads]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([writer, { seq, hash, at, since }]) => ({
      writer,
      from: before?.get(writer)?.seq ?? 0,
      seq,
      hash,
      at,
      since,
    }));
  const instant = latest(chains.map(({ at }) => at)) ?? startedAt;
  return { account, instant, items, auditRows: rows, orderEvents, chains };
}

function totalsOf(
  { tables, candles }: MakeBackupOptions,
  parts: readonly BackupPart[],
): BackedUpTableTotals[] {
  const names: BackedUpTable[] = candles ? ['book', 'audit', 'candles'] : ['book', 'audit'];
  return names.map((table) => {
    const own = parts.filter((part) => part.table === table);
    const sum = (name: 'items' | 'bytes' | 'storedBytes'): number =>
      own.reduce((all, part) => all + part[name], 0);
    return {
      table,
      name: tables[table] ?? '',
      items: sum('items'),
      bytes: sum('bytes'),
      storedBytes: sum('storedBytes'),
      parts: own.length,
    };
  });
}

function latest(times: readonly string[]): string | undefined {
  return times.toSorted().at(-1);
}

function isoUtc(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * What a backup has of some accounts: read once from end to end and checked before anything is written, then known by
 * what fits in memory: hashes of the rows, versions of the items, and the rows that were written meanwhile.
 */
import type { AuditRow } from '../domain/audit/row.ts';
import type { BackedUpAccount, BackedUpTable, BackupManifest } from '../domain/backup/manifest.ts';
import { foldTail, type Tail } from '../domain/backup/tail.ts';
import type { StoredLine } from '../ports/table-scan.ts';
import { ChainLedger } from './chain-ledger.ts';
import { openBackup } from './open-backup.ts';
import { readPart } from './part-reader.ts';
import { RestoreError } from './restore-error.ts';
import type { BackupNamed, RestoreOptions, RestoreProgress, RestoreTools } from './restore-types.ts';
import { imageOf, rowOf } from './stored-line.ts';

export interface RestoreSource {
  readonly manifest: BackupManifest;
  readonly accounts: readonly AccountSource[];
}

export interface AccountSource {
  readonly backedUp: BackedUpAccount;
  readonly ledgers: ReadonlyMap<string, ChainLedger>;
  /** Rows that were written while the book was read, chain by chain. */
  readonly meanwhile: ReadonlyMap<string, readonly AuditRow[]>;
  /** Versions of the items that were there before the first of those rows. */
  readonly before: ReadonlyMap<string, number>;
  /** What those rows make of the items that they touch. */
  readonly tail: Tail;
  /** Digests of the bodies of all other items, heads of chains left out; empty for an account that is not compared. */
  readonly digests: ReadonlyMap<string, string>;
}

type SourceOptions = Pick<RestoreOptions, 'store' | 'tools' | 'place' | 'backup' | 'onProgress' | 'signal'>;

export function openNamed({ store, tools, place, backup }: SourceOptions): Promise<BackupManifest> {
  const asked = /^\d+$/.test(backup) ? { number: Number(backup) } : backup === 'latest' ? {} : { id: backup };
  return openBackup({ store, place, digest: tools.digest, ...asked });
}

export function nameOf({ id, number, hash, instant }: BackupManifest): BackupNamed {
  return { id, number, hash, instant };
}

/**
 * The accounts that are asked for, as the manifest has them.
 *
 * @throws RestoreError RESTORE_ACCOUNT_NOT_IN_BACKUP
 */
export function accountsOf(
  { id, accounts }: BackupManifest,
  asked: readonly string[] | undefined,
): readonly BackedUpAccount[] {
  const missing = asked?.find((name) => accounts.every(({ account }) => account !== name));
  if (missing === undefined) return accounts.filter(({ account }) => asked?.includes(account) ?? true);
  const there = accounts.map(({ account }) => account).join(', ');
  throw new RestoreError(
    'RESTORE_ACCOUNT_NOT_IN_BACKUP',
    `The backup ${id} has no account ${missing}, it has ${there || 'none'}.`,
  );
}

/**
 * Reads every part.
 *
 * @param compared accounts of which the items will be compared with a book
 * @throws BackupError for a part that is not what was written; RestoreError where rows and items do not fit each other
 */
export async function readSource(
  manifest: BackupManifest,
  accounts: readonly BackedUpAccount[],
  options: SourceOptions,
  compared: ReadonlySet<string>,
): Promise<RestoreSource> {
  const { tools } = options;
  const readers = new Map(
    accounts.map((one) => [one.account, new AccountReader(one, tools, compared.has(one.account))]),
  );
  const byPartition = new Map([...readers].map(([name, reader]) => [tools.bookPartition(name), reader]));
  const tick = progressOf(manifest, ['audit', 'book', 'candles'], 'verify', options);
  for await (const line of linesOf(manifest, 'audit', options)) {
    byPartition.get(accountPart(line.pk))?.addRow(line);
    tick();
  }
  for (const reader of readers.values()) reader.endTrail();
  for await (const line of linesOf(manifest, 'book', options)) {
    byPartition.get(line.pk)?.addItem(line);
    tick();
  }
  for (const reader of readers.values()) reader.endBook();
  for await (const _ of linesOf(manifest, 'candles', options)) tick();
  return { manifest, accounts: [...readers.values()].map((reader) => reader.source()) };
}

/** The lines of a table, part by part. */
export async function* linesOf(
  { parts }: BackupManifest,
  table: BackedUpTable,
  { store, signal }: Pick<SourceOptions, 'store' | 'signal'>,
): AsyncGenerator<StoredLine, void, undefined> {
  for (const part of parts.filter((one) => one.table === table)) {
    signal?.throwIfAborted();
    yield* readPart(store, part, parts);
  }
}

/** Counts lines, and tells every thousandth. */
export function progressOf(
  { tables }: BackupManifest,
  which: readonly BackedUpTable[],
  phase: RestoreProgress['phase'],
  { onProgress }: Pick<RestoreOptions, 'onProgress'>,
): () => void {
  const total = tables
    .filter(({ table }) => which.includes(table))
    .reduce((sum, { items }) => sum + items, 0);
  let done = 0;
  return () => {
    done += 1;
    if (done % 1_000 === 0 || done === total) onProgress?.({ phase, done, total });
  };
}

/** `A#DU1#2026-01-05` to `A#DU1`: the account's part of a partition of the trail. */
export function accountPart(auditPartition: string): string {
  return auditPartition.slice(0, auditPartition.lastIndexOf('#'));
}

class AccountReader {
  readonly #backedUp: BackedUpAccount;
  readonly #tools: RestoreTools;
  readonly #ledgers: ReadonlyMap<string, ChainLedger>;
  readonly #from: ReadonlyMap<string, number>;
  readonly #meanwhile = new Map<string, AuditRow[]>();
  readonly #before = new Map<string, number>();
  readonly #digests = new Map<string, string>();
  readonly #isCompared: boolean;
  #tail: Tail = new Map();
  #orderEvents = 0;
  #items = 0;

  constructor(backedUp: BackedUpAccount, tools: RestoreTools, isCompared: boolean) {
    this.#backedUp = backedUp;
    this.#tools = tools;
    this.#isCompared = isCompared;
    this.#ledgers = new Map(backedUp.chains.map(({ writer, seq }) => [writer, new ChainLedger(seq)]));
    this.#from = new Map(backedUp.chains.map(({ writer, from }) => [writer, from]));
  }

  addRow(line: StoredLine): void {
    const { account } = this.#backedUp;
    const row = rowOf(account, line, this.#tools);
    const { writer, seq, at, changes } = row;
    const isOurs =
      this.#ledgers.get(writer)?.add(row, this.#tools.digest) === true &&
      line.pk === this.#tools.auditPartition(account, at.slice(0, 10));
    if (!isOurs) throw this.#broken(`Row ${seq} of the chain ${writer} (${at})`);
    if (row.orderKey !== '') this.#orderEvents += 1;
    if (seq > (this.#from.get(writer) ?? 0)) {
      const rows = this.#meanwhile.get(writer) ?? [];
      this.#meanwhile.set(writer, rows);
      rows.push(row);
      return;
    }
    // Each row moves a version, so the sum of all moves is where it stands, whatever the order.
    for (const { item, formerVersion, image } of changes) {
      const version = (this.#before.get(item) ?? 0) + (image?.version ?? 0) - formerVersion;
      if (version === 0) this.#before.delete(item);
      else this.#before.set(item, version);
    }
  }

  endTrail(): void {
    const { account, chains, items, orderEvents } = this.#backedUp;
    for (const { writer, hash } of chains) {
      const broken = this.#ledgers.get(writer)?.broken(hash);
      if (broken !== undefined) throw this.#broken(`Row ${broken} of the chain ${writer}`);
    }
    for (const rows of this.#meanwhile.values()) rows.sort((a, b) => a.seq - b.seq);
    this.#tail = foldTail(this.#meanwhile.values(), (item) => this.#before.get(item) ?? 0);
    if (this.#orderEvents !== orderEvents)
      throw this.#contradiction(
        `There are ${this.#orderEvents} order events, the manifest says ${orderEvents}`,
      );
    const counted = this.#countItems();
    for (const kind of new Set([...Object.keys(items), ...counted.keys()])) {
      const [found, said] = [counted.get(kind) ?? 0, items[kind] ?? 0];
      if (found !== said)
        throw this.#contradiction(
          `The trail of ${account} makes ${found} items of kind ${kind}, the manifest says ${said}`,
        );
    }
  }

  addItem(line: StoredLine): void {
    const { sk } = line;
    if (this.#tools.refOf(sk)?.kind === 'audit-head' || this.#tail.has(sk)) return;
    const { version, body } = imageOf(line);
    const expected = this.#before.get(sk) ?? 0;
    if (version !== expected)
      throw this.#contradiction(`The item ${sk} has version ${version}, the trail makes ${expected}`);
    this.#items += 1;
    if (this.#isCompared) this.#digests.set(sk, this.#tools.digest(body));
  }

  endBook(): void {
    let expected = 0;
    for (const item of this.#before.keys()) if (!this.#tail.has(item)) expected += 1;
    if (this.#items !== expected)
      throw this.#contradiction(
        `Of ${expected} items that nobody wrote meanwhile the parts have ${this.#items}`,
      );
  }

  source(): AccountSource {
    return {
      backedUp: this.#backedUp,
      ledgers: this.#ledgers,
      meanwhile: this.#meanwhile,
      before: this.#before,
      tail: this.#tail,
      digests: this.#digests,
    };
  }

  #countItems(): Map<string, number> {
    const counts = new Map<string, number>();
    const count = (item: string): void => {
      const kind = this.#tools.refOf(item)?.kind ?? '?';
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    };
    for (const item of this.#before.keys()) if (!this.#tail.has(item)) count(item);
    for (const [item, image] of this.#tail) if (image) count(item);
    return counts;
  }

  #broken(what: string): RestoreError {
    const { account } = this.#backedUp;
    return new RestoreError(
      'RESTORE_TRAIL_BROKEN',
      `${what} of account ${account} in the backup is missing, or is not what it was when it was written.`,
    );
  }

  #contradiction(what: string): RestoreError {
    return new RestoreError('RESTORE_BOOK_CONTRADICTS_TRAIL', `Account ${this.#backedUp.account}: ${what}.`);
  }
}

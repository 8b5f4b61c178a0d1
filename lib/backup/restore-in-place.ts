/**
 * In a book that is in use: nothing leaves any more, then every item that differs is brought to what the backup has, in
 * audited transactions on the versions that were found. The trail is only added to. Killed anywhere, the same command
 * compares again and does the rest.
 */

import { restoreWriter } from '../domain/audit/writers.ts';
import { isLeftOut, stays } from '../domain/backup/kept-in-place.ts';
import type { BackupManifest } from '../domain/backup/manifest.ts';
import {
  countDifferences,
  type ItemDifference,
  transactionsOf,
  type WantedItem,
  writeOf,
} from '../domain/backup/restore-diff.ts';
import type { BookBody, BookWrite } from '../domain/book/item.ts';
import type { CommitResult } from '../ports/book.ts';
import { bodiesOf, compareBook } from './compare-book.ts';
import { RestoreError } from './restore-error.ts';
import type { AccountSource } from './restore-source.ts';
import type { RestoredAccount, RestoreRequest } from './restore-types.ts';
import { countBook } from './restored-counts.ts';
import { type Rollback, rollbackOf } from './rollback-writes.ts';

const attemptsMax = 10;
const bytesOf = (body: BookBody): number => JSON.stringify(body).length;

export async function restoreInPlace(
  manifest: BackupManifest,
  source: AccountSource,
  request: RestoreRequest,
): Promise<RestoredAccount> {
  const { account, instant } = source.backedUp;
  const rollback = await closeTrading(manifest, account, request);
  const differences = await compareBook(source, request, { isLeftOut, stays });
  await changeAll(manifest, source, differences, request);
  const { counts, items, auditRows, trading } = await countBook(source, request);
  return {
    account,
    how: 'in-place',
    resumed: false,
    instant,
    counts,
    items,
    auditRows,
    replayed: null,
    changes: countDifferences(differences),
    flags: { before: rollback.before, after: rollback.after },
    trading,
    leaseToken: null,
  };
}

async function closeTrading(
  manifest: BackupManifest,
  account: string,
  request: RestoreRequest,
): Promise<Rollback> {
  const { target, who, reason, nowMs } = request;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const rollback = await rollbackOf(account, target.book, { who, reason, atMs: nowMs() }, manifest.id);
    if (rollback.isSaid) return rollback;
    if ((await commit(manifest, account, rollback.writes, request)) === 'committed') return rollback;
  }
  throw contended(account);
}

async function changeAll(
  manifest: BackupManifest,
  source: AccountSource,
  differences: readonly ItemDifference[],
  request: RestoreRequest,
): Promise<void> {
  const { account } = source.backedUp;
  const versions = new Map(differences.map(({ item, bookVersion }) => [item, bookVersion]));
  const total = differences.length;
  let done = 0;
  const changed = (writes: readonly BookWrite[]): void => {
    done += writes.length;
    request.onProgress?.({ phase: 'change', done, total });
  };
  const refOf = (item: string) => {
    const ref = request.tools.refOf(item);
    if (ref === undefined) throw new TypeError(`${item} is no key of the book`);
    return ref;
  };
  const removals = differences
    .filter(({ does }) => does === 'remove')
    .map(
      ({ item, bookVersion }): WantedItem => ({ write: writeOf(refOf(item), bookVersion, null), bytes: 0 }),
    );
  for (const writes of transactionsOf(removals)) {
    await bring(manifest, account, writes, request);
    changed(writes);
  }
  // Bodies come from the parts again, so that no more of them are in memory than one transaction takes.
  let wanted: WantedItem[] = [];
  const flush = async (isLast: boolean): Promise<void> => {
    const transactions = [...transactionsOf(wanted)];
    const whole = isLast ? transactions : transactions.slice(0, -1);
    for (const writes of whole) {
      await bring(manifest, account, writes, request);
      changed(writes);
    }
    wanted = wanted.slice(whole.reduce((sum, { length }) => sum + length, 0));
  };
  const differs = new Set(differences.filter(({ does }) => does !== 'remove').map(({ item }) => item));
  for await (const [item, body] of bodiesOf(manifest, source, request, (one) => differs.has(one))) {
    wanted.push({ write: writeOf(refOf(item), versions.get(item) ?? 0, body), bytes: bytesOf(body) });
    if (wanted.length > 100) await flush(false);
  }
  await flush(true);
}

/** One transaction; where somebody was faster, on what is there then. */
async function bring(
  manifest: BackupManifest,
  account: string,
  first: readonly BookWrite[],
  request: RestoreRequest,
): Promise<void> {
  const { target, tools } = request;
  let writes = first;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    request.signal?.throwIfAborted();
    if (writes.length === 0) return;
    if ((await commit(manifest, account, writes, request)) === 'committed') return;
    const items = await target.book.read(
      account,
      first.map(({ ref }) => ref),
    );
    writes = first.flatMap(({ ref, body }, index) => {
      const item = items[index];
      const isThere =
        body === null
          ? item === undefined
          : item !== undefined && (stays(item, true) || tools.digest(item.body) === tools.digest(body));
      return isThere ? [] : [writeOf(ref, item?.version ?? 0, body)];
    });
  }
  throw contended(account);
}

function commit(
  { id }: BackupManifest,
  account: string,
  writes: readonly BookWrite[],
  { target, who, reason, nowMs }: RestoreRequest,
): Promise<CommitResult> {
  const cause = { kind: 'restore', id, name: 'restore in place', reason: `${reason} (${who})` } as const;
  return target.book.commit({ account, writer: restoreWriter, cause, atMs: nowMs(), orderKey: '', writes });
}

function contended(account: string): RestoreError {
  return new RestoreError(
    'RESTORE_CONTENDED',
    `Others wrote the same items of account ${account} in ${attemptsMax} attempts; what was changed stays.`,
  );
}

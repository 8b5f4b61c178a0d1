/** Marks what has served its time, so that the bucket's lifecycle rule may delete it. Nothing is deleted here. */
import { isBackupId, partsPrefix } from '../domain/backup/backup-id.ts';
import { expiredBackups, type RetentionRule, unfinishedBackups } from '../domain/backup/retention.ts';
import type { BackupStore } from '../ports/backup-store.ts';
import { type ListedBackup, listBackups } from './list-backups.ts';

export interface ExpireOptions extends RetentionRule {
  readonly store: Pick<BackupStore, 'get' | 'list' | 'markExpired'>;
  readonly nowMs: number;
}

export interface Expired {
  /** Ids of backups past their time. */
  readonly backups: readonly string[];
  /** Ids of backups that were cut off, and left parts without a manifest. */
  readonly unfinished: readonly string[];
}

/** Parts first, and oldest first: a backup whose marking is cut off still has its manifest, and is marked next time. */
export async function expireBackups({ store, nowMs, ...rule }: ExpireOptions): Promise<Expired> {
  const listed = await listBackups(store);
  const expired = expiredBackups(listed.flatMap(dated), rule, nowMs);
  for (const { id, key } of expired) {
    await markAll(store, `${partsPrefix}${id}/`);
    await store.markExpired(key);
  }
  const unfinished = await markUnfinished(store, listed, nowMs);
  return { backups: expired.map(({ id }) => id), unfinished };
}

/** Only those whose manifest can be read count, among the newest too. */
function dated({ number, key, manifest }: ListedBackup) {
  return manifest === undefined ? [] : [{ number, key, id: manifest.id, startedAt: manifest.startedAt }];
}

async function markUnfinished(
  store: ExpireOptions['store'],
  listed: readonly ListedBackup[],
  nowMs: number,
): Promise<string[]> {
  // A manifest that does not say its id may be the one of these parts.
  if (listed.some(({ id }) => id === undefined)) return [];
  const ids = new Set<string>();
  for await (const { key } of store.list(partsPrefix)) {
    const [id = ''] = key.slice(partsPrefix.length).split('/');
    if (isBackupId(id)) ids.add(id);
  }
  const unfinished = unfinishedBackups(ids, new Set(listed.map(({ id = '' }) => id)), nowMs);
  for (const id of unfinished) await markAll(store, `${partsPrefix}${id}/`);
  return unfinished;
}

async function markAll(store: ExpireOptions['store'], prefix: string): Promise<void> {
  for await (const { key } of store.list(prefix)) await store.markExpired(key);
}

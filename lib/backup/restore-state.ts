/** What the book of an account is before a restore, and whether the restore may go on. */
import { readFence } from '../domain/audit/fence.ts';
import type { AuditRow } from '../domain/audit/row.ts';
import { restoreWriter } from '../domain/audit/writers.ts';
import type { BackupManifest } from '../domain/backup/manifest.ts';
import type { BookItem } from '../ports/book.ts';
import { RestoreError } from './restore-error.ts';
import type { BookState, RestoreTarget, RestoreTools } from './restore-types.ts';

/** Name of the cause of the row that ends a restore into an empty book. */
export const restoredCause = 'restore into an empty book';

/**
 * @throws RestoreError RESTORE_OTHER_BEGUN where the restore of another backup was begun
 */
export async function stateOfBook(
  account: string,
  manifest: BackupManifest,
  target: Pick<RestoreTarget, 'book' | 'audit' | 'imports'>,
  tools: RestoreTools,
): Promise<BookState> {
  const opened = await target.imports.fence(account);
  if (opened) {
    const { restoring, manifestHash, startedAt } = opened.fence;
    if (restoring === manifest.id && manifestHash === manifest.hash) return 'begun';
    throw new RestoreError(
      'RESTORE_OTHER_BEGUN',
      `At ${startedAt} the restore of ${restoring} into account ${account} was begun, and it has not ended.`,
    );
  }
  if (await isEmpty(account, target)) return 'empty';
  return (await isRestored(account, manifest, target, tools)) ? 'restored' : 'in-use';
}

/** No item but a fence. */
export async function isEmpty(account: string, { book }: Pick<RestoreTarget, 'book'>): Promise<boolean> {
  for await (const { body } of book.all(account)) if (!readFence(body)) return false;
  return true;
}

/** The last row of the account is the one that ended a restore of this backup. */
async function isRestored(
  account: string,
  { id }: BackupManifest,
  { book, audit }: Pick<RestoreTarget, 'book' | 'audit'>,
  tools: RestoreTools,
): Promise<boolean> {
  const heads: BookItem[] = [];
  for await (const item of book.list(account, 'audit-head')) heads.push(item);
  const own = heads.find(({ ref }) => ref.id === restoreWriter);
  if (own === undefined || heads.some(({ body }) => String(body.at) > String(own.body.at))) return false;
  let last: AuditRow | undefined;
  for await (const row of audit.rows(account, restoreWriter, String(own.body.at).slice(0, 10))) last = row;
  if (last?.cause.id !== id || last.cause.name !== restoredCause) return false;
  const refs = last.changes.flatMap(({ item }) => tools.refOf(item) ?? []);
  const items = await book.read(account, refs);
  return last.changes.every(({ image }, index) => items[index]?.version === image?.version);
}

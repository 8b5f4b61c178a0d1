/** Where the chains of an account stand, as one consistent picture. */
import { readFence } from '../domain/audit/fence.ts';
import type { ChainHead } from '../domain/audit/row.ts';
import type { BookReader } from '../ports/book.ts';
import { BackupError } from './backup-error.ts';

/** Writers begin once in the life of an account: a set that changes so often is not one. */
const attemptsMax = 10;

export type ChainHeads = ReadonlyMap<string, ChainHead>;

/**
 * The heads of all writers of an account at one moment: they are listed, read together, and listed again.
 *
 * @throws BackupError while the account is restored, or while writers never stop to begin
 */
export async function readHeads(book: BookReader, account: string): Promise<ChainHeads> {
  let writers = await listWriters(book, account);
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const heads = await readTogether(book, account, writers);
    const now = await listWriters(book, account);
    if (heads !== undefined && now.join('\n') === writers.join('\n')) return heads;
    writers = now;
  }
  throw new BackupError(
    'BACKUP_HEADS_RESTLESS',
    '',
    `The writers of account ${account} were others at each of ${attemptsMax} looks.`,
  );
}

async function listWriters(book: BookReader, account: string): Promise<string[]> {
  const writers: string[] = [];
  for await (const { ref } of book.list(account, 'audit-head')) writers.push(ref.id);
  return writers.sort();
}

async function readTogether(
  book: BookReader,
  account: string,
  writers: readonly string[],
): Promise<ChainHeads | undefined> {
  const items = await book.read(
    account,
    writers.map((id) => ({ kind: 'audit-head', id })),
  );
  const heads = new Map<string, ChainHead>();
  for (const [index, writer] of writers.entries()) {
    const item = items[index];
    if (item === undefined) return undefined;
    const fence = readFence(item.body);
    if (fence !== undefined) {
      throw new BackupError(
        'BACKUP_RESTORE_UNDER_WAY',
        '',
        `The account ${account} is being restored from ${fence.restoring}, and is no whole book yet.`,
      );
    }
    heads.set(writer, item.body as unknown as ChainHead);
  }
  return heads;
}

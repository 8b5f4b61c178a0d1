import { type RestoreFence, readFence } from '../../lib/domain/audit/fence.ts';
import type { BookReader } from '../../lib/ports/book.ts';

/** The restore that is at work on an account, or was cut off; undefined for none. */
export async function restoreUnderWay(
  book: Pick<BookReader, 'list'>,
  account: string,
): Promise<RestoreFence | undefined> {
  for await (const { body } of book.list(account, 'audit-head')) {
    const fence = readFence(body);
    if (fence !== undefined) return fence;
  }
  return undefined;
}

/** What a person reads of it. */
export function restoringText({ restoring, startedAt }: RestoreFence): string {
  return `being restored from ${restoring} since ${startedAt}: nothing is written meanwhile. If it was cut off, give the same restore again and it goes on.`;
}

/** What every restore says of itself in the book: nothing leaves, and nothing is changed, until it was reconciled. */
import type { BookBody, BookRef, BookWrite } from '../domain/book/item.ts';
import { type Flags, flagPresets, flagsBody, readFlags, sameFlags } from '../domain/safety/flags.ts';
import { lockBody, readLock } from '../domain/safety/lock.ts';
import type { BookReader } from '../ports/book.ts';

const flagsRef: BookRef = { kind: 'flags', id: '' };
const lockRef: BookRef = { kind: 'lock', id: '' };

export interface Rollback {
  readonly before: Flags;
  readonly after: Flags;
  /** Of FLAGS and LOCK. */
  readonly writes: readonly BookWrite[];
  /** Flags and lock say all of it already. */
  readonly isSaid: boolean;
}

export async function rollbackOf(
  account: string,
  book: BookReader,
  by: { readonly who: string; readonly reason: string; readonly atMs: number },
  backupId: string,
): Promise<Rollback> {
  const [flags, lock] = await book.read(account, [flagsRef, lockRef]);
  const before = readFlags(flags?.body).flags;
  const after: Flags = { ...before, ...flagPresets.rollback };
  const stored = readLock(lock?.body);
  const at = new Date(by.atMs).toISOString();
  const reason = `restored from ${backupId}, not reconciled yet`;
  const wish = { state: 'locked', reason, runId: '', token: stored.token } as const;
  const write = (ref: BookRef, version: number | undefined, body: BookBody): BookWrite => ({
    ref,
    expectedVersion: version ?? 0,
    body,
  });
  return {
    before,
    after,
    writes: [
      write(flagsRef, flags?.version, flagsBody(after, by.who, by.reason, at)),
      write(lockRef, lock?.version, lockBody(wish, by.who, at)),
    ],
    isSaid: flags !== undefined && sameFlags(before, after) && lock !== undefined && stored.reason === reason,
  };
}

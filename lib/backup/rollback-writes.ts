/** What every restore says of itself in the book: nothing leaves, and nothing is changed, until it was reconciled. */
import type { BookBody, BookRef, BookWrite } from '../domain/book/item.ts';
import { progress, refusal, refused } from '../domain/reconcile/plan-state.ts';
import {
  isOver,
  planBody,
  planRef,
  readPlanRecord,
  readRunState,
  runStateRef,
} from '../domain/reconcile/records.ts';
import { type Flags, flagPresets, flagsBody, readFlags, sameFlags } from '../domain/safety/flags.ts';
import { lockBody, readLock } from '../domain/safety/lock.ts';
import type { BookReader } from '../ports/book.ts';

const flagsRef: BookRef = { kind: 'flags', id: '' };
const lockRef: BookRef = { kind: 'lock', id: '' };

export interface Rollback {
  readonly before: Flags;
  readonly after: Flags;
  /** Of FLAGS, LOCK, and a plan that was reviewed against another book. */
  readonly writes: readonly BookWrite[];
  /** All of it is said already. */
  readonly isSaid: boolean;
}

export async function rollbackOf(
  account: string,
  book: BookReader,
  by: { readonly who: string; readonly reason: string; readonly atMs: number },
  backupId: string,
): Promise<Rollback> {
  const [flags, lock, runs] = await book.read(account, [flagsRef, lockRef, runStateRef]);
  const plan = await openPlan(account, book, readRunState(runs?.body)?.planHash ?? '', backupId);
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
      ...plan,
    ],
    isSaid:
      flags !== undefined &&
      sameFlags(before, after) &&
      lock !== undefined &&
      stored.reason === reason &&
      plan.length === 0,
  };
}

/** Ends the plan that stands: what somebody has approved before the rollback must not be carried out after it. */
async function openPlan(
  account: string,
  book: BookReader,
  hash: string,
  backupId: string,
): Promise<BookWrite[]> {
  if (hash === '') return [];
  const [stored] = await book.read(account, [planRef(hash)]);
  const record = readPlanRecord(stored?.body);
  if (stored === undefined || record === undefined || isOver(record)) return [];
  const cancel =
    record.cancelUntilMs > 0
      ? '; the cancel of its next action may have reached the broker: look into TWS'
      : '';
  const what = `The book was restored from ${backupId} when ${progress(record)} of the plan ${hash} were carried out${cancel}`;
  const ended = refused(record, refusal('PLAN_STALE', what));
  return [{ ref: planRef(hash), expectedVersion: stored.version, body: planBody(ended) }];
}

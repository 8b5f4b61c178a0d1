/** The reconcile lock of an account: while it is locked, orders that open or enlarge a position do not leave. */
import type { BookBody } from '../book/item.ts';

export interface ReconcileLock {
  readonly state: 'locked' | 'open';
  /** Why, in words for people. */
  readonly reason: string;
  /** The reconcile run that said so; `''` for none. */
  readonly runId: string;
  /** Fencing token of who said so: a word with a lower one comes too late. */
  readonly token: number;
}

export interface LockReading extends ReconcileLock {
  readonly source: 'stored' | 'first' | 'unreadable';
  /** ISO-8601 UTC; `''` where nobody has set it. */
  readonly changedAt: string;
  readonly changedBy: string;
}

/** Before the first reconcile nothing is known, so nothing leaves. */
export const firstLock: ReconcileLock = {
  state: 'locked',
  reason: 'no reconcile has been completed yet',
  runId: '',
  token: 0,
};

/** The lock that the body of the `LOCK` item says; undefined for no item. What cannot be read is locked. */
export function readLock(body: BookBody | undefined): LockReading {
  if (body === undefined) return { ...firstLock, source: 'first', changedAt: '', changedBy: '' };
  const { state, reason, runId, token, changedAt, changedBy } = body;
  const isWhole =
    (state === 'locked' || state === 'open') &&
    typeof reason === 'string' &&
    typeof runId === 'string' &&
    typeof token === 'number' &&
    typeof changedAt === 'string' &&
    typeof changedBy === 'string';
  if (!isWhole) return unreadableLock('the item LOCK of the book is not a lock');
  return { state, reason, runId, token, changedAt, changedBy, source: 'stored' };
}

/** Locked, because the lock could not be read. */
export function unreadableLock(problem: string): LockReading {
  return {
    ...firstLock,
    reason: `unreadable: ${problem}`,
    source: 'unreadable',
    changedAt: '',
    changedBy: '',
  };
}

/**
 * Whether the lock lets orders through. It was opened for one term of the lease: whoever has taken the lease since has
 * not been compared with the broker, and is locked by itself.
 *
 * @param leaseToken of the lease as it stands; 0 where nobody has one
 */
export function isOpenFor(
  { state, token }: Pick<ReconcileLock, 'state' | 'token'>,
  leaseToken: number,
): boolean {
  return state === 'open' && leaseToken > 0 && token === leaseToken;
}

/** Why the lock holds orders back in this term of the lease, in words; undefined where it lets them through. */
export function whyLocked(
  lock: Pick<ReconcileLock, 'state' | 'token' | 'reason'>,
  leaseToken: number,
): string | undefined {
  if (isOpenFor(lock, leaseToken)) return undefined;
  if (lock.state === 'locked') return lock.reason;
  const since =
    leaseToken === 0 ? 'no streamer has a lease' : `no reconcile has completed in epoch ${leaseToken}`;
  return `it was opened for epoch ${lock.token}, and ${since}`;
}

/**
 * What becomes of a wish to set the lock. `stale`: somebody with a later token has spoken, the wish must be dropped.
 * `unchanged`: the lock says this already.
 */
export function judgeLock(current: ReconcileLock, wish: ReconcileLock): 'set' | 'unchanged' | 'stale' {
  if (wish.token < current.token) return 'stale';
  const isSame =
    wish.state === current.state &&
    wish.reason === current.reason &&
    wish.runId === current.runId &&
    wish.token === current.token;
  return isSame ? 'unchanged' : 'set';
}

/** Body of the `LOCK` item. */
export function lockBody(lock: ReconcileLock, changedBy: string, changedAt: string): BookBody {
  const { state, reason, runId, token } = lock;
  return { state, reason, runId, token, changedBy, changedAt };
}

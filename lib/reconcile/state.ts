/**
 * Where an account stands: the state of its runs, flags, lock and the plan that stands. Read together, and changed
 * together in one audited transaction, on the condition that no later run has spoken.
 */
import { reconcileWriter } from '../domain/audit/writers.ts';
import type { AuditCause, BookWrite } from '../domain/book/item.ts';
import {
  type PlanRecord,
  planBody,
  planRef,
  type RunState,
  readPlanRecord,
  readRunState,
  runStateBody,
  runStateRef,
} from '../domain/reconcile/records.ts';
import { type Flags, type FlagsReading, flagsBody, readFlags } from '../domain/safety/flags.ts';
import {
  judgeLock,
  type LockReading,
  lockBody,
  type ReconcileLock,
  readLock,
} from '../domain/safety/lock.ts';
import type { Book, BookItem } from '../ports/book.ts';
import { ReconcileError } from './reconcile-error.ts';

const attemptsMax = 6;
const pauseMs = 40;
const flagsRef = { kind: 'flags', id: '' } as const;
const lockRef = { kind: 'lock', id: '' } as const;

export interface Standing {
  /** Undefined before the first run. */
  readonly state: RunState | undefined;
  readonly flags: FlagsReading;
  readonly lock: LockReading;
  /** The plan that `state.planHash` names. */
  readonly plan: PlanRecord | undefined;
  readonly versions: {
    readonly run: number;
    readonly flags: number;
    readonly lock: number;
    readonly plan: number;
  };
}

/** What is left out stays as it is. */
export interface StandingChange {
  readonly state: RunState;
  /** Dropped where a later term of the lease has spoken. */
  readonly lock?: ReconcileLock;
  readonly flags?: { readonly flags: Flags; readonly reason: string };
  /** The plan that stands, changed; or a plan that is new. */
  readonly plans?: readonly PlanRecord[];
}

export interface StateChanger {
  readonly account: string;
  readonly writer?: string;
  readonly cause: AuditCause;
  /** Fencing token of the run; undefined for who is no run. */
  readonly token?: number;
}

export interface StatePorts {
  readonly book: Pick<Book, 'read' | 'commit'>;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export async function readStanding(book: Pick<Book, 'read'>, account: string): Promise<Standing> {
  const [run, flags, lock] = await book.read(account, [runStateRef, flagsRef, lockRef]);
  const state = readRunState(run?.body);
  const hash = state?.planHash ?? '';
  const [plan] = hash === '' ? [] : await book.read(account, [planRef(hash)]);
  const version = (item: BookItem | undefined) => item?.version ?? 0;
  return {
    state,
    flags: readFlags(flags?.body),
    lock: readLock(lock?.body),
    plan: readPlanRecord(plan?.body),
    versions: { run: version(run), flags: version(flags), lock: version(lock), plan: version(plan) },
  };
}

/**
 * Asks `change` what is to be written of how things stand, and writes it with its audit row; again where somebody was
 * faster.
 *
 * @returns what was written, with the lock as it stands then
 * @throws ReconcileError RUN_FENCED when a later run has begun, RUN_CONTENTION; BookError; whatever `change` throws
 */
export async function changeStanding(
  changer: StateChanger,
  { book, nowMs, sleep }: StatePorts,
  change: (standing: Standing) => StandingChange,
): Promise<{ readonly change: StandingChange; readonly lock: ReconcileLock }> {
  const { account, cause, token, writer = reconcileWriter } = changer;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const standing = await readStanding(book, account);
    checkFence(standing, token, cause.id);
    const wanted = change(standing);
    const atMs = nowMs();
    const writes = writesOf(standing, wanted, cause.id, new Date(atMs).toISOString());
    const result = await book.commit({ account, writer, cause, atMs, orderKey: '', writes });
    if (result === 'committed') return { change: wanted, lock: lockAfter(standing, wanted) };
    await sleep(pauseMs * attempt * Math.random());
  }
  throw new ReconcileError(
    'RUN_CONTENTION',
    `${cause.name} of ${account} lost to others ${attemptsMax} times.`,
  );
}

function checkFence({ state }: Standing, token: number | undefined, runId: string): void {
  if (state === undefined || token === undefined || state.last.token <= token) return;
  throw new ReconcileError(
    'RUN_FENCED',
    `The run ${runId} took longer than it may hold the lock, and ${state.last.runId} has taken over.`,
  );
}

function writesOf(
  { versions, lock: stored, plan: standing }: Standing,
  { state, lock, flags, plans = [] }: StandingChange,
  who: string,
  at: string,
): BookWrite[] {
  const writes: BookWrite[] = [
    { ref: runStateRef, expectedVersion: versions.run, body: runStateBody(state) },
  ];
  if (flags !== undefined) {
    const body = flagsBody(flags.flags, who, flags.reason, at);
    writes.push({ ref: flagsRef, expectedVersion: versions.flags, body });
  }
  if (lock !== undefined && changesLock(stored, lock)) {
    writes.push({ ref: lockRef, expectedVersion: versions.lock, body: lockBody(lock, who, at) });
  }
  for (const plan of plans) {
    const expectedVersion = plan.hash === standing?.hash ? versions.plan : 0;
    writes.push({ ref: planRef(plan.hash), expectedVersion, body: planBody(plan) });
  }
  return writes;
}

/** A lock that says the same for the same reason keeps the run that said it first. */
function changesLock(stored: LockReading, wish: ReconcileLock): boolean {
  if (stored.source !== 'stored') return true;
  if (judgeLock(stored, wish) !== 'set') return false;
  return stored.state !== wish.state || stored.reason !== wish.reason || stored.token !== wish.token;
}

function lockAfter({ lock: stored }: Standing, { lock }: StandingChange): ReconcileLock {
  const { state, reason, runId, token } = lock !== undefined && changesLock(stored, lock) ? lock : stored;
  return { state, reason, runId, token };
}

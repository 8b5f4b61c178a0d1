/** What approving, applying and rejecting a plan share: reading how it stands, refusing, and saying so. */
import { operatorWriter, planWriter } from '../domain/audit/writers.ts';
import type { AuditCause, BookRef, BookWrite, Json } from '../domain/book/item.ts';
import type { OrderBody } from '../domain/book/orders.ts';
import { massChange } from '../domain/reconcile/plan.ts';
import {
  expectedItems,
  type PlanCode,
  planCodes,
  type Refusal,
  refusal,
  refused,
} from '../domain/reconcile/plan-state.ts';
import {
  type PlanRecord,
  type PlanState,
  planBody,
  planRef,
  readPlanRecord,
} from '../domain/reconcile/records.ts';
import type { Plan, ReconcileRules, Versioned } from '../domain/reconcile/types.ts';
import { type FlagsReading, flagsBody, readFlags } from '../domain/safety/flags.ts';
import { type LockReading, lockBody, readLock } from '../domain/safety/lock.ts';
import type { Stage } from '../events/stage.ts';
import type { Book } from '../ports/book.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { type CanonicalJson, loadPlan } from './plan-store.ts';
import { ReconcileError, wordsOf } from './reconcile-error.ts';

const attemptsMax = 8;
const pauseMs = 30;
/** Items of the book that are read together: 4 MB at most, and an item may have 400 KB. */
const readTogether = 10;
const flagsRef: BookRef = { kind: 'flags', id: '' };
const lockRef: BookRef = { kind: 'lock', id: '' };

/** An event that is said of a plan. */
export interface PlanNotice {
  readonly id: string;
  readonly type: 'plan.approved' | 'plan.applied' | 'plan.refused' | 'plan.staged' | 'alert.raised';
  readonly version: 1;
  readonly stage: Stage;
  readonly account: string;
  readonly occurredAt: string;
  readonly data: { readonly [name: string]: Json };
}

export interface PlanPorts {
  readonly stage: Stage;
  readonly book: Pick<Book, 'read' | 'commit' | 'list'>;
  /** The bucket of reconcile. */
  readonly plans: Pick<ObjectStore, 'get' | 'put'>;
  readonly canonicalJson: CanonicalJson;
  readonly massChange: ReconcileRules['massChange'];
  /** Says it on the bus; does not throw. */
  readonly tell: (notice: PlanNotice) => Promise<void>;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** A plan of an account. */
export interface PlanName {
  readonly account: string;
  readonly hash: string;
}

/** A plan, and the flags and the lock, as one consistent picture. */
export interface PlanReading {
  readonly record: PlanRecord | undefined;
  readonly flags: FlagsReading;
  readonly lock: LockReading;
  readonly versions: { readonly plan: number; readonly flags: number; readonly lock: number };
}

/** What is answered to whoever asked. */
export interface PlanAnswer {
  readonly account: string;
  readonly plan_hash: string;
  readonly plan_state: PlanState | 'unknown';
  /** `''` where everything that was asked is done. */
  readonly code: PlanCode | '';
  readonly message: string;
  readonly actions: number;
  readonly done: number;
  readonly backup_id: string;
  /** Who approved it; `''` for nobody. */
  readonly approved_by: string;
}

export async function readPlan(book: Pick<Book, 'read'>, { account, hash }: PlanName): Promise<PlanReading> {
  const [plan, flags, lock] = await book.read(account, [planRef(hash), flagsRef, lockRef]);
  return {
    record: readPlanRecord(plan?.body),
    flags: readFlags(flags?.body),
    lock: readLock(lock?.body),
    versions: { plan: plan?.version ?? 0, flags: flags?.version ?? 0, lock: lock?.version ?? 0 },
  };
}

/**
 * Reads how the plan stands and writes what `decide` makes of it, again where somebody was faster.
 *
 * @param decide what is written; a refusal, or an answer, ends it without a write
 */
export async function changePlan<T>(
  name: PlanName,
  ports: PlanPorts,
  decide: (reading: PlanReading) => Promise<PlanWrite | { readonly end: T }>,
): Promise<{ readonly written: PlanRecord } | { readonly end: T }> {
  const { account, hash } = name;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const reading = await readPlan(ports.book, name);
    const decided = await decide(reading);
    if ('end' in decided) return decided;
    const { record, writes = [], checks = [], by } = decided;
    const own = { ref: planRef(hash), expectedVersion: reading.versions.plan, body: planBody(record) };
    const result = await ports.book.commit({
      account,
      writer: by.kind === 'operator' ? operatorWriter : planWriter,
      cause: by,
      atMs: ports.nowMs(),
      orderKey: '',
      writes: [own, ...writes],
      checks,
    });
    if (result === 'committed') return { written: record };
    await ports.sleep(pauseMs * attempt * Math.random());
  }
  throw new PlanContentionError(name);
}

export interface PlanWrite {
  readonly record: PlanRecord;
  readonly by: AuditCause;
  readonly writes?: readonly BookWrite[];
  readonly checks?: readonly { readonly ref: BookRef; readonly expectedVersion: number }[];
}

/** Others were faster again and again. What was done before stands, and the plan waits as far as it came. */
export class PlanContentionError extends Error {
  override readonly name = 'PlanContentionError';
  readonly code = 'PLAN_CONTENTION';

  constructor({ account, hash }: PlanName) {
    super(
      `PLAN_CONTENTION: The plan ${hash} of ${account} lost to others ${attemptsMax} times; what was done before stands, and it waits as far as it came. It is tried again; if it was asked for by hand, ask again.`,
    );
  }
}

/** For the audit trail: what is done because the plan says so. */
export function planCause(hash: string, name: string, reason: string): AuditCause {
  return { kind: 'plan', id: hash, name, reason };
}

/** The flags that a transaction rests on: who sets one meanwhile stops it. */
export function flagsCheck({ versions }: PlanReading): { ref: BookRef; expectedVersion: number } {
  return { ref: flagsRef, expectedVersion: versions.flags };
}

/** SAFE_MODE on and trading locked, for the transaction that says why. */
export function alarmWrites(
  { flags, lock, versions }: PlanReading,
  record: PlanRecord,
  code: PlanCode,
  atMs: number,
): BookWrite[] {
  const at = new Date(atMs).toISOString();
  const reason = `${code}: plan ${record.hash.slice(0, 12)} of ${record.runId}`;
  const wish = { state: 'locked', reason, runId: record.runId, token: lock.token } as const;
  return [
    {
      ref: flagsRef,
      expectedVersion: versions.flags,
      body: flagsBody({ ...flags.flags, SAFE_MODE: true }, `plan ${record.hash}`, reason, at),
    },
    { ref: lockRef, expectedVersion: versions.lock, body: lockBody(wish, record.hash, at) },
  ];
}

/** Codes that mean that something is broken, rather than that something has changed. */
const alarming: ReadonlySet<PlanCode> = new Set(['BACKUP_FAILED', 'ACTION_FAILED']);

/**
 * Refuses what was asked, ends the plan where `ends` says so (in one audited transaction, with SAFE_MODE and the lock
 * where something is broken), and tells it on the bus.
 */
export async function refusePlan(
  name: PlanName,
  why: Refusal,
  by: AuditCause,
  ends: (record: PlanRecord, why: Refusal) => boolean,
  ports: PlanPorts,
): Promise<PlanAnswer> {
  const cause = { ...by, name: `${by.name} refused ${why.code}`, reason: why.message };
  const outcome = await changePlan<PlanRecord | undefined>(name, ports, async (reading) => {
    const { record } = reading;
    if (record === undefined || !ends(record, why)) return { end: record };
    const writes = alarming.has(why.code) ? alarmWrites(reading, record, why.code, ports.nowMs()) : [];
    return { record: refused(record, why), by: cause, writes };
  });
  const record = 'written' in outcome ? outcome.written : outcome.end;
  // Whoever ended it may have been stopped before he could say so; what is said of the end has one id.
  const isEnd = 'written' in outcome;
  if (!isEnd && why.code === 'PLAN_REFUSED' && record !== undefined) await tellEnd(name, record, ports);
  await tellRefused(name, record, why, by.id, ports, isEnd);
  return answerOf(name, record, why);
}

async function tellEnd(name: PlanName, record: PlanRecord, ports: PlanPorts): Promise<void> {
  const { refusedCode, refusedReason } = record;
  const code = planCodes.find((one) => one === refusedCode);
  if (code !== undefined) {
    await tellRefused(name, record, { code, message: refusedReason }, name.hash, ports, true);
  }
}

/** @param isEnd it has ended the plan, which happens once: said again, it has the same id */
async function tellRefused(
  { account, hash }: PlanName,
  record: PlanRecord | undefined,
  { code, message }: Refusal,
  by: string,
  ports: PlanPorts,
  isEnd: boolean,
): Promise<void> {
  const atMs = ports.nowMs();
  const notice = noticeOf(account, ports, atMs);
  const id = `plan:${hash}:${code}${isEnd ? '' : `:${atMs}`}`;
  await ports.tell({
    ...notice,
    id,
    type: 'plan.refused',
    data: {
      planHash: hash,
      code,
      message,
      by,
      state: record?.state ?? 'unknown',
      actions: record?.actions ?? 0,
      done: record?.done ?? 0,
    },
  });
  if (code !== 'ACTION_FAILED' && code !== 'PLAN_HASH_MISMATCH') return;
  await ports.tell({
    ...notice,
    id: `${id}:alert`,
    type: 'alert.raised',
    data: { alert: 'plan_failed', severity: 'HIGH', subject: `plan ${hash}`, message },
  });
}

export function noticeOf(account: string, { stage }: PlanPorts, atMs: number) {
  return { version: 1, stage, account, occurredAt: new Date(atMs).toISOString() } as const;
}

export function answerOf(
  { account, hash }: PlanName,
  record: PlanRecord | undefined,
  why?: Refusal,
): PlanAnswer {
  return {
    account,
    plan_hash: hash,
    plan_state: record?.state ?? 'unknown',
    code: why?.code ?? '',
    message: why?.message ?? '',
    actions: record?.actions ?? 0,
    done: record?.done ?? 0,
    backup_id: record?.backupId ?? '',
    approved_by: record?.approval?.by ?? '',
  };
}

/** The plan as it was reviewed, or why it is not that any more. */
export async function reviewedPlan(
  { account, hash }: PlanName,
  record: PlanRecord,
  ports: PlanPorts,
): Promise<Plan | Refusal> {
  try {
    const plan = await loadPlan(ports.plans, record);
    if (plan.hash === hash && plan.account === account) return plan;
    const what = `The item of the plan ${hash} of ${account} names the plan ${plan.hash} of ${plan.account}`;
    return refusal('PLAN_HASH_MISMATCH', what);
  } catch (error) {
    if (!(error instanceof ReconcileError)) throw error;
    return refusal(
      'PLAN_HASH_MISMATCH',
      `The text of the plan ${record.hash} is not the one that was staged (${wordsOf(error)})`,
    );
  }
}

/** What speaks against the plan, from the book as it is: it has moved, or too much of it would. */
export async function judgeAgainstBook(
  plan: Plan,
  { done, cancelUntilMs }: Pick<PlanRecord, 'done' | 'cancelUntilMs'>,
  ports: PlanPorts,
): Promise<Refusal | undefined> {
  const expected = expectedItems(plan, done, cancelUntilMs > 0);
  return (await judgeVersions(plan, expected, ports)) ?? (await judgeMassChange(plan, ports));
}

export async function judgeVersions(
  { account, hash }: Plan,
  expected: ReturnType<typeof expectedItems>,
  { book }: Pick<PlanPorts, 'book'>,
): Promise<Refusal | undefined> {
  for (let at = 0; at < expected.length; at += readTogether) {
    const some = expected.slice(at, at + readTogether);
    const items = await book.read(
      account,
      some.map(({ ref }) => ref),
    );
    for (const [index, { ref, version }] of some.entries()) {
      const found = items[index]?.version ?? 0;
      if (found === version) continue;
      const what = `${ref.kind} ${ref.id} has version ${found}, and the plan ${hash} rests on ${version}`;
      return refusal('PLAN_STALE', what);
    }
  }
  return undefined;
}

async function judgeMassChange(
  plan: Plan,
  { book, massChange: rule }: PlanPorts,
): Promise<Refusal | undefined> {
  // Most plans touch too few orders for the rule, and the whole book need not be read.
  const named = new Set(plan.actions.map(({ orderKey }) => orderKey).filter((key) => key !== ''));
  if (named.size < rule.atLeast) return undefined;
  const orders = new Map<string, Versioned<OrderBody>>();
  for await (const { ref, version, body } of book.list(plan.account, 'order')) {
    orders.set(ref.id, { version, body: { status: body.status } as unknown as OrderBody });
  }
  const { touched, live, exceeds } = massChange(plan, { orders }, { massChange: rule });
  if (!exceeds) return undefined;
  return refusal('PLAN_MASS_CHANGE', `The plan ${plan.hash} touches ${touched} of ${live} live orders`);
}

/** A refusal, as opposed to a plan. */
export function isRefusal(value: object | undefined): value is Refusal {
  return value !== undefined && 'code' in value && 'message' in value;
}

/**
 * Carries out an approved plan: a backup, then one transaction for each action, which also counts it in the plan's item.
 * So an action is done and counted, or neither, and whoever begins again goes on behind the last one that is counted.
 */
import { planWriter } from '../domain/audit/writers.ts';
import type { BookBody, BookRef, BookWrite, Json } from '../domain/book/item.ts';
import { refText } from '../domain/book/seen.ts';
import {
  applied,
  applying,
  commandId,
  endsApplication,
  expectedItems,
  isAllDone,
  judgeApplication,
  oneDone,
  progress,
  type Refusal,
  refusal,
  writesOf,
} from '../domain/reconcile/plan-state.ts';
import { type PlanRecord, planBody, planRef } from '../domain/reconcile/records.ts';
import type { Plan, PlanAction } from '../domain/reconcile/types.ts';
import type { Command } from '../events/command.ts';
import { tradeGroup } from '../events/command-names.ts';
import type { CommandSender } from '../ports/command-queue.ts';
import {
  answerOf,
  changePlan,
  flagsCheck,
  isRefusal,
  judgeAgainstBook,
  judgeVersions,
  noticeOf,
  type PlanAnswer,
  PlanContentionError,
  type PlanName,
  type PlanPorts,
  type PlanReading,
  planCause,
  readPlan,
  refusePlan,
  reviewedPlan,
} from './plan-desk.ts';
import { wordsOf } from './reconcile-error.ts';

/** A cancel that the streamer has not taken by then is not carried out. Within the five minutes in which SQS knows its id. */
const cancelValidMs = 60_000;
const stepAttemptsMax = 8;
const pauseMs = 30;
/** A transaction has 100 actions; the plan, the flags, the chain's head and its row are among them. */
const restsAndWritesMax = 90;

export interface ApplyPorts extends PlanPorts {
  /** Makes a backup of the stage; throws when there is none. */
  readonly backup: (why: {
    readonly planHash: string;
    readonly by: string;
  }) => Promise<{ readonly id: string }>;
  /** The command queue of the account's streamer; undefined for an account without one. */
  readonly commands: (account: string) => CommandSender | undefined;
  /** SHA-256 of a value's canonical JSON. */
  readonly digest: (value: Json) => string;
}

/**
 * Applies the plan, or goes on with it. May be called at any time, by several at once, and again after whatever ended it.
 *
 * @returns what became of it; a refusal is an answer
 * @throws BookError and what the ports throw, where trying again may help: the plan then waits as far as it came
 */
export async function applyPlan(name: PlanName, ports: ApplyPorts): Promise<PlanAnswer> {
  const begun = await begin(name, ports);
  if (isAnswer(begun)) return begun;
  const { plan, record } = begun;
  if (record.backupId === '') {
    const failed = await backUp(name, record, ports);
    if (failed !== undefined) return failed;
  }
  for (;;) {
    const reading = await readPlan(ports.book, name);
    const step = await nextStep(name, plan, reading, ports);
    if (step !== undefined) return step;
  }
}

/** From approved to applying, unless something speaks against it. */
async function begin(
  name: PlanName,
  ports: ApplyPorts,
): Promise<{ readonly plan: Plan; readonly record: PlanRecord } | PlanAnswer> {
  let plan: Plan | undefined;
  const outcome = await changePlan<{ record: PlanRecord | undefined; why?: Refusal }>(
    name,
    ports,
    async (reading) => {
      const { record } = reading;
      if (record === undefined) return { end: { record, why: unknownPlan(name) } };
      const why = judgeApplication(record, reading.flags, ports.nowMs());
      if (why !== undefined) return { end: { record, why } };
      const reviewed = await reviewedPlan(name, record, ports);
      if (isRefusal(reviewed)) return { end: { record, why: reviewed } };
      const against = isAllDone(record) ? undefined : await judgeAgainstBook(reviewed, record, ports);
      if (against !== undefined) {
        // Somebody else may have carried out an action between the two readings.
        const now = await readPlan(ports.book, name);
        return {
          end:
            now.versions.plan === reading.versions.plan ? { record, why: against } : { record: now.record },
        };
      }
      plan = reviewed;
      if (record.state === 'applying') return { end: { record } };
      const by = planCause(name.hash, 'apply begins', record.approval?.reason ?? '');
      return { record: applying(record), by, checks: [flagsCheck(reading)] };
    },
  );
  if ('written' in outcome && plan !== undefined) return { plan, record: outcome.written };
  const { record, why } = 'end' in outcome ? outcome.end : { record: outcome.written };
  if (why === undefined)
    return plan !== undefined && record !== undefined ? { plan, record } : begin(name, ports);
  if (why.code === 'PLAN_ALREADY_APPLIED' && record !== undefined) {
    // Whoever was killed before he could say it: the event has the same id.
    await tellApplied(name, record, ports);
    return answerOf(name, record, why);
  }
  return refusePlan(name, why, planCause(name.hash, 'apply', ''), endsApplication, ports);
}

function unknownPlan({ account, hash }: PlanName): Refusal {
  return refusal('PLAN_UNKNOWN', `The account ${account} has no plan ${hash}`);
}

async function backUp(
  name: PlanName,
  { approval }: PlanRecord,
  ports: ApplyPorts,
): Promise<PlanAnswer | undefined> {
  const by = planCause(name.hash, 'backup made', approval?.reason ?? '');
  let id: string;
  try {
    ({ id } = await ports.backup({ planHash: name.hash, by: approval?.by ?? '' }));
  } catch (error) {
    const why = refusal(
      'BACKUP_FAILED',
      `There is no backup before the plan ${name.hash} (${wordsOf(error)})`,
    );
    // Somebody who began at the same time may have made one: then nothing is missing.
    const isMissing = (now: PlanRecord) => now.backupId === '' && endsApplication(now, why);
    const { record } = await readPlan(ports.book, name);
    if (record !== undefined && record.backupId !== '') return undefined;
    return refusePlan(name, why, planCause(name.hash, 'apply', ''), isMissing, ports);
  }
  // One backup is enough where two have begun at once.
  await changePlan<undefined>(name, ports, async ({ record }) => {
    const wanted = record?.state === 'applying' && record.backupId === '';
    return wanted ? { record: { ...record, backupId: id }, by } : { end: undefined };
  });
  return undefined;
}

/** One action, or the end. Undefined: there is more to do. */
async function nextStep(
  name: PlanName,
  plan: Plan,
  reading: PlanReading,
  ports: ApplyPorts,
): Promise<PlanAnswer | undefined> {
  const { record } = reading;
  if (record === undefined) return answerOf(name, record, unknownPlan(name));
  if (record.state !== 'applying') return endOf(name, record, ports);
  const flagged = judgeApplication(record, reading.flags, ports.nowMs());
  if (flagged !== undefined) return refuse(name, plan, reading, flagged, ports);
  const action = plan.actions[record.done];
  if (action === undefined) return finish(name, ports);
  try {
    const why =
      action.cancel === null
        ? await write(plan, action, reading, ports)
        : await cancel(plan, action, action.cancel, reading, ports);
    return why === undefined ? undefined : await refuse(name, plan, reading, why, ports);
  } catch (error) {
    if (!isHopeless(error)) throw error;
    const what = `The action ${action.id} of the plan ${name.hash} cannot be carried out (${wordsOf(error)}), after ${progress(record)}`;
    return refuse(name, plan, reading, refusal('ACTION_FAILED', what), ports);
  }
}

/** @returns undefined where somebody else has gone on since the reading: what was judged is over, and is looked at anew */
async function refuse(
  name: PlanName,
  plan: Plan,
  { record, versions }: PlanReading,
  why: Refusal,
  ports: ApplyPorts,
): Promise<PlanAnswer | undefined> {
  if (record === undefined) return answerOf(name, record, unknownPlan(name));
  const now = await readPlan(ports.book, name);
  if (now.versions.plan !== versions.plan) return undefined;
  const isAsJudged = (present: PlanRecord) =>
    present.done === record.done &&
    present.cancelUntilMs === record.cancelUntilMs &&
    endsApplication(present, why);
  return refusePlan(
    name,
    { ...why, message: `${why.message}${cameSoFar(plan, record)}` },
    planCause(name.hash, 'apply', ''),
    isAsJudged,
    ports,
  );
}

function cameSoFar({ actions }: Plan, record: PlanRecord): string {
  const words = record.done === 0 ? '' : ` Done before: ${progress(record)}.`;
  if (record.cancelUntilMs === 0) return words;
  return `${words} The command of ${actions[record.done]?.id} may have reached the broker: look at the order.`;
}

/** Somebody else has ended it meanwhile. */
async function endOf(name: PlanName, record: PlanRecord, ports: ApplyPorts): Promise<PlanAnswer> {
  if (record.state === 'applied') {
    await tellApplied(name, record, ports);
    return answerOf(name, record);
  }
  const { flags } = await readPlan(ports.book, name);
  return answerOf(name, record, judgeApplication(record, flags, ports.nowMs()));
}

async function finish(name: PlanName, ports: ApplyPorts): Promise<PlanAnswer> {
  const by = planCause(name.hash, 'applied', '');
  const outcome = await changePlan<PlanRecord | undefined>(name, ports, async ({ record }) =>
    record?.state === 'applying' ? { record: applied(record), by } : { end: record },
  );
  const record = 'written' in outcome ? outcome.written : outcome.end;
  if (record === undefined) return answerOf(name, record, unknownPlan(name));
  return endOf(name, record, ports);
}

/** The action's changes and its count, in one transaction. */
async function write(
  plan: Plan,
  action: PlanAction,
  reading: PlanReading,
  ports: ApplyPorts,
): Promise<Refusal | undefined> {
  const { record } = reading;
  if (record === undefined) return undefined;
  const present = await presentBodies(plan, action, ports);
  if (isRefusal(present)) return present;
  const deletion = {
    plan: plan.hash,
    by: record.approval?.by ?? '',
    atMs: ports.nowMs(),
    force: reading.flags.flags.FORCE_SYNC_DELETE,
    present: (ref: BookRef) => present.get(refText(ref)),
  };
  return commitStep(
    plan,
    action,
    reading,
    oneDone(record),
    { name: action.id, writes: writesOf(action, deletion) },
    ports,
  );
}

/** Bodies that a deletion marks and the plan does not give. */
async function presentBodies(
  { account, hash }: Plan,
  { kind, writes }: PlanAction,
  { book }: ApplyPorts,
): Promise<ReadonlyMap<string, BookBody> | Refusal> {
  const bodies = new Map<string, BookBody>();
  if (kind !== 'to_delete') return bodies;
  for (const { ref, expectedVersion, body } of writes) {
    if (body !== null) continue;
    const [item] = await book.read(account, [ref]);
    if (item === undefined || item.version !== expectedVersion) {
      const what = `${ref.kind} ${ref.id} has version ${item?.version ?? 0}, and the plan ${hash} rests on ${expectedVersion}`;
      return refusal('PLAN_STALE', what);
    }
    bodies.set(refText(ref), item.body);
  }
  return bodies;
}

/**
 * A cancel cannot be one transaction with its count. First it is written until when it is valid; then it is sent, as often
 * as need be, under one id; then it is counted. Who comes after its time sends nothing more: what was sent is over too.
 */
async function cancel(
  plan: Plan,
  action: PlanAction,
  order: NonNullable<PlanAction['cancel']>,
  reading: PlanReading,
  ports: ApplyPorts,
): Promise<Refusal | undefined> {
  const { record } = reading;
  if (record === undefined) return undefined;
  const nowMs = ports.nowMs();
  const untilMs = record.cancelUntilMs;
  if (untilMs === 0) {
    const sending = { ...record, cancelUntilMs: nowMs + cancelValidMs };
    return commitStep(plan, action, reading, sending, { name: `${action.id} sending`, writes: [] }, ports);
  }
  const isOver = nowMs >= untilMs;
  if (isOver) {
    await tellInterrupted(plan, action, untilMs, ports);
  } else {
    const sender = ports.commands(plan.account);
    if (sender === undefined) {
      return refusal(
        'ACTION_FAILED',
        `The account ${plan.account} has no streamer that could cancel ${action.subject}`,
      );
    }
    const command: Extract<Command, { type: 'cancel' }> = {
      id: commandId(plan.hash, action.id, ports.digest),
      type: 'cancel',
      by: 'person',
      version: 1,
      account: plan.account,
      issuedAt: new Date(untilMs - cancelValidMs).toISOString(),
      issuedBy: `plan ${plan.hash}, approved by ${record.approval?.by ?? ''}`,
      validUntil: new Date(untilMs).toISOString(),
      ...order,
    };
    await sender.send({ id: command.id, group: tradeGroup(plan.account), body: JSON.stringify(command) });
  }
  const words = isOver ? `${action.id} interrupted, not sent again` : action.id;
  return commitStep(plan, action, reading, oneDone(record), { name: words, writes: [] }, ports, true);
}

/** It counts as done, because nothing more is sent; but nobody knows whether the streamer ever had it. */
function tellInterrupted(
  { account, hash }: Plan,
  { id, subject, cancel: order }: PlanAction,
  untilMs: number,
  ports: ApplyPorts,
): Promise<void> {
  const until = new Date(untilMs).toISOString();
  return ports.tell({
    ...noticeOf(account, ports, ports.nowMs()),
    id: `plan:${hash}:${id}:interrupted:alert`,
    type: 'alert.raised',
    data: {
      alert: 'plan_cancel_interrupted',
      severity: 'HIGH',
      subject,
      message: `The plan ${hash} was interrupted while it sent the cancel of permId ${order?.permId ?? 0}, which was valid until ${until}. It may have reached the broker or not, and is not sent again. Look at the order with \`evenkeel orders\`; if it still works, the next reconcile stages its cancel anew.`,
    },
  });
}

/**
 * Writes a step of the plan with what it rests on.
 *
 * @param anyway the book and the flags may have moved: it only says what has happened
 * @returns why the plan cannot go on; undefined when the step is written, or somebody else has gone on
 */
async function commitStep(
  plan: Plan,
  action: PlanAction,
  reading: PlanReading,
  next: PlanRecord,
  { name: causeName, writes }: { readonly name: string; readonly writes: readonly BookWrite[] },
  ports: ApplyPorts,
  anyway = false,
): Promise<Refusal | undefined> {
  const { account, hash } = plan;
  const name = { account, hash };
  const { versions, record } = reading;
  const expected = expectedItems(
    { actions: [...plan.actions.slice(0, record?.done), action], rests: plan.rests },
    record?.done ?? 0,
  );
  const own = new Set(writes.map(({ ref }) => refText(ref)));
  const unwritten = expected.filter(({ ref }) => !own.has(refText(ref)));
  const rests = anyway ? [] : restsOf(action, unwritten, restsAndWritesMax - writes.length);
  const checks = rests.map(({ ref, version }) => ({ ref, expectedVersion: version }));
  const change = {
    account,
    writer: planWriter,
    cause: planCause(hash, causeName, next.approval?.reason ?? ''),
    orderKey: action.orderKey,
    writes: [...writes, { ref: planRef(hash), expectedVersion: versions.plan, body: planBody(next) }],
    checks: anyway ? [] : [flagsCheck(reading), ...checks],
  };
  for (let attempt = 1; attempt <= stepAttemptsMax; attempt += 1) {
    const result = await ports.book.commit({ ...change, atMs: ports.nowMs() });
    if (result === 'committed') return undefined;
    const now = await readPlan(ports.book, name);
    // Gone on by somebody else, or the flags have changed: it is looked at anew.
    if (now.versions.plan !== versions.plan || now.versions.flags !== versions.flags) return undefined;
    const moved = await judgeVersions(
      plan,
      [...rests, ...expected.filter(({ ref }) => own.has(refText(ref)))],
      ports,
    );
    if (moved !== undefined) return moved;
    await ports.sleep(pauseMs * attempt * Math.random());
  }
  throw new PlanContentionError(name);
}

/** All were compared before the first action. Those of the same order are compared again with it. */
function restsOf(
  { orderKey, cancel: order }: PlanAction,
  expected: ReturnType<typeof expectedItems>,
  restsMax: number,
) {
  const own = expected.filter(({ ref }) => ref.id === orderKey);
  const others = order === null ? [] : expected.filter(({ ref }) => ref.id !== orderKey);
  return [...own, ...others].slice(0, restsMax);
}

/** Trying again does not help: the action itself is wrong. Its transaction wrote nothing. */
function isHopeless(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'BOOK_CHANGE_INVALID' || code === 'BOOK_ITEM_TOO_LARGE' || code === 'BOOK_ITEM_UNSTORABLE';
}

/** May be said more than once: the event has the same id. */
export async function tellApplied(
  { account, hash }: PlanName,
  record: PlanRecord,
  ports: ApplyPorts,
): Promise<void> {
  const { runId, approval, actions, done, backupId } = record;
  await ports.tell({
    ...noticeOf(account, ports, ports.nowMs()),
    id: `plan:${hash}:applied`,
    type: 'plan.applied',
    data: { planHash: hash, runId, by: approval?.by ?? '', actions, done, backupId },
  });
}

function isAnswer(value: object): value is PlanAnswer {
  return 'plan_state' in value;
}

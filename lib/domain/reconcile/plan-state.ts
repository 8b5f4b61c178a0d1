/** The life of a plan: which moves it may make, and what refuses its approval and its application. Pure. */
import type { BookBody, BookRef, BookWrite, Json } from '../book/item.ts';
import { refText } from '../book/seen.ts';
import { uuidOf } from '../orders/command-id.ts';
import type { FlagsReading } from '../safety/flags.ts';
import type { PlanApproval, PlanRecord, PlanState } from './records.ts';
import type { Plan, PlanAction } from './types.ts';

/** Why something was not done with a plan. */
export const planCodes = [
  'PLAN_UNKNOWN',
  'PLAN_HASH_MISMATCH',
  'PLAN_EXPIRED',
  'PLAN_STALE',
  'PLAN_AMBIGUOUS',
  'PLAN_MASS_CHANGE',
  'PLAN_UNAPPROVED',
  'PLAN_ALREADY_APPLIED',
  'PLAN_REJECTED',
  'PLAN_SUPERSEDED',
  'PLAN_REFUSED',
  'PLAN_UNDER_WAY',
  'PLAN_NOT_AMBIGUOUS',
  'PLAN_EMPTY',
  'APPROVAL_INVALID',
  'APPROVAL_OTHER_PLAN',
  'APPROVAL_EXPIRED',
  'APPROVAL_REPLAYED',
  'APPROVAL_FORBIDDEN',
  'REASON_MISSING',
  'CONFIRM_OFF',
  'DRY_RUN_ON',
  'SAFE_MODE',
  'BACKUP_FAILED',
  'ACTION_FAILED',
] as const;
export type PlanCode = (typeof planCodes)[number];

/** Something was asked of a plan and is not done. */
export interface Refusal {
  readonly code: PlanCode;
  /** `CODE: what happened; what it means; what to do`. */
  readonly message: string;
}

/** What a person does next. */
const advice: Readonly<Record<PlanCode, string>> = {
  PLAN_UNKNOWN: 'Nothing was changed. `evenkeel plan show` names the plan that stands.',
  PLAN_HASH_MISMATCH:
    'It is not what was reviewed, so it is never carried out. Run `evenkeel reconcile`: it stages a new one.',
  PLAN_EXPIRED: 'The broker may have moved on. Run `evenkeel reconcile`, and review the plan that it stages.',
  PLAN_STALE: 'It rests on what is gone. Run `evenkeel reconcile`, and review the plan that it stages.',
  PLAN_AMBIGUOUS:
    'Nothing was changed. Look at ambiguous_matches.json; `evenkeel plan approve HASH --except-ambiguous` stages the rest as a plan of its own.',
  PLAN_MASS_CHANGE:
    'So many at once are a mistake more often than a cure. Compare the book with TWS; if the plan is right, raise `reconcile.massChange` and run `evenkeel reconcile`.',
  PLAN_UNAPPROVED:
    'Nothing was changed. Review it with `evenkeel plan show`, then `evenkeel plan approve HASH --reason …`.',
  PLAN_ALREADY_APPLIED: 'Nothing is done twice. `evenkeel audit` shows its rows.',
  PLAN_REJECTED: 'Nothing was changed. Run `evenkeel reconcile` for a new plan.',
  PLAN_SUPERSEDED: 'Nothing was changed. Review the plan that stands: `evenkeel plan show`.',
  PLAN_REFUSED: 'Nothing more is changed by it. Run `evenkeel reconcile` for a new plan.',
  PLAN_UNDER_WAY: 'Wait for its end: `evenkeel plan show`.',
  PLAN_NOT_AMBIGUOUS: 'Nothing was changed. Approve it as it is.',
  PLAN_EMPTY: 'Nothing was staged. Settle the ambiguous items first.',
  APPROVAL_INVALID:
    'Nothing was changed. Approve with `evenkeel plan approve`, of the same version as the functions.',
  APPROVAL_OTHER_PLAN: 'Nothing was changed. Approve the hash that you have reviewed.',
  APPROVAL_EXPIRED:
    'Nothing was changed. Approve again; look at the clock of your machine if it says the same.',
  APPROVAL_REPLAYED: 'Nothing was changed. A proof counts once: approve again with `evenkeel plan approve`.',
  APPROVAL_FORBIDDEN:
    'Nothing was changed. Ask somebody whom `reconcile.approvers` names, or have yourself added to it.',
  REASON_MISSING: 'Nothing was changed. Say why: the audit trail keeps it.',
  CONFIRM_OFF:
    'Nothing was applied. Set DRY_RUN_CONFIRM (`evenkeel flags preset execute --reason …`), and the next run goes on with it; approved again, it goes on at once.',
  DRY_RUN_ON: 'Nothing was applied. `evenkeel flags preset execute --reason …` ends the dry run.',
  SAFE_MODE:
    'Nothing was applied. Find out why it was entered, then `evenkeel flags set SAFE_MODE false --reason …`.',
  BACKUP_FAILED:
    'Nothing was applied; trading is locked and SAFE_MODE is on. Make `evenkeel backup` work, leave SAFE_MODE, and run `evenkeel reconcile`.',
  ACTION_FAILED:
    'What was done before it stands and is in the audit trail, this action is not done in any part. Trading is locked and SAFE_MODE is on. Correct the cause, leave SAFE_MODE, and run `evenkeel reconcile`.',
};

/** @param what a sentence without its full stop; what it means and what to do follow from the code */
export function refusal(code: PlanCode, what: string): Refusal {
  return { code, message: `${code}: ${what}. ${advice[code]}` };
}

/** The moves of a plan. One that has ended stays as it is. */
export const planMoves: Readonly<Record<PlanState, readonly PlanState[]>> = {
  staged: ['approved', 'refused', 'rejected', 'superseded'],
  approved: ['applying', 'refused', 'rejected', 'superseded'],
  applying: ['applied', 'refused'],
  applied: [],
  refused: [],
  rejected: [],
  superseded: [],
};

/** A plan was to make a move that it must not make: a mistake in the calling code. */
export class PlanMoveError extends Error {
  override readonly name = 'PlanMoveError';
  readonly code = 'PLAN_MOVE_ILLEGAL';

  constructor(record: PlanRecord, to: PlanState) {
    super(
      `PLAN_MOVE_ILLEGAL: The plan ${record.hash} is ${record.state} and cannot become ${to}; nothing was changed. This is a mistake in the program.`,
    );
  }
}

function moved(record: PlanRecord, state: PlanState, more: Partial<PlanRecord> = {}): PlanRecord {
  if (!planMoves[record.state].includes(state)) throw new PlanMoveError(record, state);
  return { ...record, ...more, state };
}

export function approved(record: PlanRecord, approval: PlanApproval): PlanRecord {
  return moved(record, 'approved', { approval });
}

export function applying(record: PlanRecord): PlanRecord {
  return moved(record, 'applying');
}

export function applied(record: PlanRecord): PlanRecord {
  if (record.done !== record.actions) throw new PlanMoveError(record, 'applied');
  return moved(record, 'applied');
}

export function refused(record: PlanRecord, { code, message }: Refusal): PlanRecord {
  return moved(record, 'refused', { refusedCode: code, refusedReason: message, cancelUntilMs: 0 });
}

export function rejected(record: PlanRecord, reason: string): PlanRecord {
  return moved(record, 'rejected', { refusedReason: reason });
}

/** The next action is carried out: written together with what it changes. */
export function oneDone(record: PlanRecord): PlanRecord {
  return { ...record, done: record.done + 1, cancelUntilMs: 0 };
}

/** What speaks against approving the plan, by its state alone; undefined for nothing. */
export function judgeApproval(record: PlanRecord, nowMs: number): Refusal | undefined {
  if (record.state === 'staged' || record.state === 'approved' || record.state === 'applying') {
    return expired(record, nowMs);
  }
  return ended(record);
}

/** What speaks against applying it now. */
export function judgeApplication(
  record: PlanRecord,
  flags: FlagsReading,
  nowMs: number,
): Refusal | undefined {
  if (record.state === 'staged') {
    return refusal('PLAN_UNAPPROVED', `The plan ${record.hash} is staged, and nobody has approved it`);
  }
  if (record.state !== 'approved' && record.state !== 'applying') return ended(record);
  // It is only to be written that all of it is done.
  if (isAllDone(record)) return undefined;
  return expired(record, nowMs) ?? judgeFlags(flags);
}

/** Every action is carried out, and it has not been said yet. */
export function isAllDone({ state, done, actions }: PlanRecord): boolean {
  return state === 'applying' && done === actions;
}

/** What speaks against rejecting it. */
export function judgeRejection(record: PlanRecord): Refusal | undefined {
  if (record.state === 'staged' || record.state === 'approved') return undefined;
  if (record.state === 'applying') {
    return refusal('PLAN_UNDER_WAY', `The plan ${record.hash} is being applied: ${progress(record)}`);
  }
  return ended(record);
}

/** The flags that hold now. Unreadable ones are SAFE_MODE. */
export function judgeFlags({ flags, source, problem }: FlagsReading): Refusal | undefined {
  if (source === 'unreadable') return refusal('SAFE_MODE', `The flags cannot be read (${problem})`);
  if (flags.DRY_RUN) return refusal('DRY_RUN_ON', 'DRY_RUN is true');
  if (flags.SAFE_MODE) return refusal('SAFE_MODE', 'SAFE_MODE is on');
  if (!flags.DRY_RUN_CONFIRM) return refusal('CONFIRM_OFF', 'DRY_RUN_CONFIRM is false');
  return undefined;
}

/** `3 of 7 actions` */
export function progress({ done, actions }: Pick<PlanRecord, 'done' | 'actions'>): string {
  return `${done} of ${actions} action${actions === 1 ? '' : 's'}`;
}

/** After these the plan is `refused` for good; after the others it stays what it was. */
const final: ReadonlySet<PlanCode> = new Set([
  'PLAN_HASH_MISMATCH',
  'PLAN_EXPIRED',
  'PLAN_STALE',
  'PLAN_AMBIGUOUS',
  'PLAN_MASS_CHANGE',
  'BACKUP_FAILED',
  'ACTION_FAILED',
]);

/** Whether a refusal of its approval ends the plan. One that is being applied is left to who applies it. */
export function endsStaged({ state }: Pick<PlanRecord, 'state'>, { code }: Refusal): boolean {
  return (state === 'staged' || state === 'approved') && final.has(code);
}

/** The same for its application. A plan that has begun is never left half done in silence: whatever stops it ends it. */
export function endsApplication({ state }: Pick<PlanRecord, 'state'>, { code }: Refusal): boolean {
  return state === 'applying' || (state === 'approved' && final.has(code));
}

function expired({ hash, expiresAtMs }: PlanRecord, nowMs: number): Refusal | undefined {
  if (nowMs < expiresAtMs) return undefined;
  return refusal('PLAN_EXPIRED', `The plan ${hash} was valid until ${isoUtc(expiresAtMs)}`);
}

function ended(record: PlanRecord): Refusal {
  const { hash, state, refusedCode, refusedReason, replacedBy } = record;
  if (state === 'applied')
    return refusal('PLAN_ALREADY_APPLIED', `The plan ${hash} is applied: ${progress(record)}`);
  if (state === 'rejected')
    return refusal('PLAN_REJECTED', `The plan ${hash} was rejected (${refusedReason})`);
  if (state === 'superseded') {
    return refusal('PLAN_SUPERSEDED', `The plan ${hash} was replaced${replacedBy && ` by ${replacedBy}`}`);
  }
  if (replacedBy !== '') {
    return refusal('PLAN_SUPERSEDED', `What could be staged of the plan ${hash} is the plan ${replacedBy}`);
  }
  if (refusedCode === 'PLAN_AMBIGUOUS') {
    return refusal('PLAN_AMBIGUOUS', `The plan ${hash} has ${record.ambiguous} ambiguous items`);
  }
  if (refusedCode === 'PLAN_MASS_CHANGE') {
    return refusal('PLAN_MASS_CHANGE', `The plan ${hash} touches too many live orders (${refusedReason})`);
  }
  return refusal('PLAN_REFUSED', `The plan ${hash} was refused after ${progress(record)}: ${refusedCode}`);
}

export interface ExpectedItem {
  readonly ref: BookRef;
  readonly version: number;
}

/**
 * The items that the actions from `done` on change or rest on, with the versions that they must have now: those that the
 * plan has changed itself are one further, and an order that it has cancelled moves with what the broker says of it.
 *
 * @param isSending the next action is a cancel that may have reached the broker
 */
export function expectedItems(
  { actions, rests }: Pick<Plan, 'actions' | 'rests'>,
  done: number,
  isSending = false,
): ExpectedItem[] {
  const own = new Set(actions.slice(0, done).flatMap(({ writes }) => writes.map(({ ref }) => refText(ref))));
  for (const { cancel, orderKey } of actions.slice(0, done + (isSending ? 1 : 0)))
    if (cancel !== null) own.add(refText({ kind: 'order', id: orderKey }));
  const items = new Map<string, ExpectedItem>();
  for (const { ref, expectedVersion } of rests) {
    if (!own.has(refText(ref))) items.set(refText(ref), { ref, version: expectedVersion });
  }
  const pending = new Set<string>();
  for (const { ref, expectedVersion } of actions.slice(done).flatMap(({ writes }) => writes)) {
    // A later action on the same item rests on what the first one of them leaves.
    if (!pending.has(refText(ref))) items.set(refText(ref), { ref, version: expectedVersion });
    pending.add(refText(ref));
  }
  return [...items.values()];
}

/** What deleting comes to: a mark on the item where `FORCE_SYNC_DELETE` is false. */
export interface Deletion {
  readonly plan: string;
  readonly by: string;
  readonly atMs: number;
  readonly force: boolean;
  /** The item as it is now, where the plan gives no last body of it. */
  readonly present: (ref: BookRef) => BookBody | undefined;
}

/** Pointers lead to an order that may be told again; they are no things of their own. */
const pointers: ReadonlySet<BookRef['kind']> = new Set(['perm', 'ref', 'api']);

/** What an action writes into the book, deletions in the way that the flag asks for. */
export function writesOf({ kind, writes }: PlanAction, deletion: Deletion): BookWrite[] {
  if (kind !== 'to_delete') return [...writes];
  const { plan, by, atMs, force, present } = deletion;
  if (force)
    return writes.flatMap((write) => (write.expectedVersion === 0 ? [] : [{ ...write, body: null }]));
  const deleted = { at: isoUtc(atMs), by, plan };
  return writes.map((write) =>
    pointers.has(write.ref.kind)
      ? write
      : { ...write, body: { ...(write.body ?? present(write.ref)), deleted } },
  );
}

/** Whether an item was deleted softly. */
export function isDeleted(body: BookBody | undefined): boolean {
  return body?.deleted !== undefined;
}

/**
 * The plan without what is in question: no ambiguous items, and no action on an order that is among them. It keeps its
 * time and its expiry, so that the same plan always leaves the same rest.
 */
export function withoutAmbiguous(plan: Omit<Plan, 'hash'>): Omit<Plan, 'hash'> {
  const questioned = new Set(plan.ambiguous.flatMap(({ subject, book }) => [subject, ...book]));
  const actions = plan.actions.filter(
    ({ subject, orderKey, cures }) =>
      !cures.includes('AMBIGUOUS_MATCH') && !questioned.has(subject) && !questioned.has(orderKey),
  );
  return { ...plan, actions, ambiguous: [] };
}

/** Id of a command of the plan: the same each time it is sent, so that the queue takes it once. A UUID (version 8). */
export function commandId(hash: string, actionId: string, digest: (value: Json) => string): string {
  return uuidOf(digest(['plan command', hash, actionId]));
}

function isoUtc(ms: number): string {
  return new Date(ms).toISOString();
}

/** Refusals after which the plan is not what the book needs any more, or stopped half done. */
export const endedPlanCodes: readonly string[] = [
  'PLAN_STALE',
  'PLAN_EXPIRED',
  'PLAN_HASH_MISMATCH',
  'PLAN_MASS_CHANGE',
  'ACTION_FAILED',
  'DRY_RUN_ON',
  'SAFE_MODE',
];

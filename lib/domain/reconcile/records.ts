/**
 * What the book keeps of reconcile: `RUN#STATE`, the state of an account's runs, and `PLAN#<hash>`, what became of a
 * plan. Both stay small: the plan itself, the memory and the evidence lie in the bucket, bound by their SHA-256.
 */
import type { BookBody, BookRef } from '../book/item.ts';
import type { DiscrepancyType, Plan, ReconcileMode, Severity } from './types.ts';
import { actionKinds, discrepancyTypes } from './types.ts';

/** SKIPPED is only ever an answer: such a run has not begun. */
export const runStatuses = [
  'RUNNING',
  'COMPLETED',
  'AWAITING_DRY_RUN_CONFIRM',
  'DRY_RUN',
  'POSTPONED',
  'REFUSED',
  'FAILED',
  'SKIPPED',
] as const;
export type RunStatus = (typeof runStatuses)[number];

/** The status as it is shown: the record of a lost run says RUNNING for ever. */
export function shownStatus(status: RunStatus, lost: boolean): RunStatus | 'LOST' {
  return lost ? 'LOST' : status;
}

/** `plan`: apply-plan asks again once it has carried out a plan. */
export const runTriggers = ['schedule', 'start', 'operator', 'plan'] as const;
export type RunTrigger = (typeof runTriggers)[number];

/** `run_YYYYMMDD_HHMMSS_<6 hex>`, UTC */
export const runIdPattern = /^run_(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)_[0-9a-f]{6}$/;

/** An object in the bucket of reconcile, and what its bytes must be. */
export interface StoredText {
  readonly key: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export type TypeCounts = { readonly [type in DiscrepancyType]?: number };
export type SeverityCounts = { readonly [severity in Severity]?: number };

/** One run, as the book and its answer have it. */
export interface RunRecord {
  readonly runId: string;
  readonly status: RunStatus;
  /** Of REFUSED, POSTPONED, FAILED and SKIPPED: `STALE_DATA`, `MASS_CHANGE`; `''` otherwise. */
  readonly code: string;
  /** What that means, for a person; `''` where there is nothing to say. */
  readonly reason: string;
  readonly trigger: RunTrigger;
  /** Who asked, and why. */
  readonly by: string;
  readonly why: string;
  readonly mode: ReconcileMode;
  /** Fencing token of the run. */
  readonly token: number;
  /** System time, Unix ms UTC; 0 while it is under way. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Epoch of the snapshot; 0 without one. */
  readonly epoch: number;
  readonly ruleVersion: number;
  readonly types: TypeCounts;
  readonly severities: SeverityCounts;
  readonly discrepancies: number;
  readonly pending: number;
  readonly ambiguous: number;
  readonly actions: number;
  readonly counts: { readonly broker: number; readonly book: number };
  /** Null where nothing was judged. */
  readonly evidence: StoredText | null;
  readonly verdict: StoredText | null;
}

/** Body of `RUN#STATE`. */
export interface RunState {
  readonly last: RunRecord;
  /** Verdict of the last run that judged: its memory is where the next one goes on. */
  readonly memory: StoredText | null;
  /** Of the last run that was COMPLETED, Unix ms UTC; null before the first. */
  readonly lastCompletedMs: number | null;
  /** Of the last run that judged the broker's whole picture, Unix ms UTC; null before the first. */
  readonly lastJudgedMs: number | null;
  /** The plan that stands; `''` for none. */
  readonly planHash: string;
  readonly paused: Paused | null;
  /** By id of the discrepancy. Dropped when it is resolved. */
  readonly acknowledged: { readonly [id: string]: Acknowledged };
}

/** Runs by the clock and by a start are postponed; it ends by itself. */
export interface Paused {
  /** Unix ms UTC. */
  readonly untilMs: number;
  readonly by: string;
  readonly reason: string;
}

export interface Acknowledged {
  readonly by: string;
  readonly reason: string;
  /** ISO-8601 UTC. */
  readonly at: string;
}

/** More acknowledged discrepancies than this are no list that a person has read. */
export const acknowledgedMax = 200;

export const planStates = [
  'staged',
  'approved',
  'applying',
  'applied',
  'refused',
  'rejected',
  'superseded',
] as const;
export type PlanState = (typeof planStates)[number];

/** Who said that the plan may be carried out: a person, by the identity that STS gives, or the policy of `auto_sync`. */
export interface PlanApproval {
  /** ARN of the person, or `policy auto_sync`. */
  readonly by: string;
  readonly reason: string;
  /** ISO-8601 UTC. */
  readonly at: string;
  /** SHA-256 of the proof, so that a proof counts once; `''` for the policy. */
  readonly proof: string;
}

/** Body of `PLAN#<hash>`. */
export interface PlanRecord {
  readonly hash: string;
  readonly runId: string;
  readonly state: PlanState;
  /** The plan without its hash as canonical JSON: the SHA-256 of the object is the plan's hash. */
  readonly key: string;
  /** SHA-256 of what it changes and rests on, without times and run: a later run that says the same leaves it standing. */
  readonly content: string;
  /** Unix ms UTC. */
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly ruleVersion: number;
  readonly snapshotSha256: string;
  readonly actions: number;
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
  readonly cancels: number;
  readonly ambiguous: number;
  readonly approval: PlanApproval | null;
  /** How many of the plan's actions are carried out, in the plan's order: written with each of them. */
  readonly done: number;
  /** While a cancel is being sent: until when it is valid, Unix ms UTC; 0 otherwise. */
  readonly cancelUntilMs: number;
  /** The backup before the first action; `''` while there is none. */
  readonly backupId: string;
  /** Why it may not or could not be carried out: `PLAN_AMBIGUOUS`, `PLAN_MASS_CHANGE`; `''` otherwise. */
  readonly refusedCode: string;
  readonly refusedReason: string;
  /** The plan that it was made from (`--except-ambiguous`), or the one that replaced it; `''` for none. */
  readonly madeFrom: string;
  readonly replacedBy: string;
}

export const runStateRef: BookRef = { kind: 'run', id: 'STATE' };

export function planRef(hash: string): BookRef {
  return { kind: 'plan', id: hash };
}

/** The state that the body of `RUN#STATE` says; undefined for no item. Only this project writes it. */
export function readRunState(body: BookBody | undefined): RunState | undefined {
  return body as unknown as RunState | undefined;
}

export function runStateBody(state: RunState): BookBody {
  return state as unknown as BookBody;
}

export function readPlanRecord(body: BookBody | undefined): PlanRecord | undefined {
  return body as unknown as PlanRecord | undefined;
}

export function planBody(record: PlanRecord): BookBody {
  return record as unknown as BookBody;
}

/** Nobody carries it out any more. */
export function isOver({ state }: Pick<PlanRecord, 'state'>): boolean {
  return state === 'applied' || state === 'refused' || state === 'rejected' || state === 'superseded';
}

/** What the item says of a plan that has just been made. `content` and `key` come from where it is stored. */
export function planRecord(
  plan: Plan,
  {
    key,
    content,
    refusedCode = '',
    refusedReason = '',
    madeFrom = '',
  }: {
    readonly key: string;
    readonly content: string;
    readonly refusedCode?: string;
    readonly refusedReason?: string;
    readonly madeFrom?: string;
  },
): PlanRecord {
  const { hash, runId, createdAtMs, expiresAtMs, ruleVersion, snapshotSha256, actions, ambiguous } = plan;
  const [inserts = 0, updates = 0, deletes = 0, cancels = 0] = [...actionKinds, 'cancel'].map(
    (kind) => actions.filter((action) => action.kind === kind).length,
  );
  return {
    hash,
    runId,
    state: refusedCode === '' ? 'staged' : 'refused',
    key,
    content,
    createdAtMs,
    expiresAtMs,
    ruleVersion,
    snapshotSha256,
    actions: actions.length,
    inserts,
    updates,
    deletes,
    cancels,
    ambiguous: ambiguous.length,
    approval: null,
    done: 0,
    cancelUntilMs: 0,
    backupId: '',
    refusedCode,
    refusedReason,
    madeFrom,
    replacedBy: '',
  };
}

/** What a run answers. The names of the seeds stand beside those of the record. */
export interface RunAnswer {
  readonly run_id: string;
  readonly account: string;
  readonly status: RunStatus;
  readonly code: string;
  readonly reason: string;
  readonly mode: ReconcileMode;
  readonly discrepancy_count: number;
  readonly has_critical_issues: boolean;
  readonly by_type: TypeCounts;
  readonly by_severity: SeverityCounts;
  /** `IB: 3, Book: 3, Discrepancies: 0 (0 critical)` */
  readonly summary: string;
  readonly pending: number;
  readonly ambiguous_count: number;
  readonly unjudged: readonly string[];
  /** The plan that stands after the run; `''` for none. */
  readonly plan_hash: string;
  readonly plan_state: PlanState | '';
  readonly actions: number;
  readonly lock: { readonly state: 'locked' | 'open'; readonly reason: string; readonly token: number };
  readonly rule_version: number;
  /** Keys in the bucket of reconcile; `''` where nothing was judged. */
  readonly evidence: string;
  readonly staged_actions: string;
  readonly duration_ms: number;
}

export function summaryOf({ counts, discrepancies, severities }: RunRecord): string {
  const { broker, book } = counts;
  return `IB: ${broker}, Book: ${book}, Discrepancies: ${discrepancies} (${severities.CRITICAL ?? 0} critical)`;
}

/** Types in the order of the catalogue, those that did not occur left out. */
export function countTypes(found: readonly { readonly type: DiscrepancyType }[]): TypeCounts {
  return counted(
    discrepancyTypes,
    found.map(({ type }) => type),
  );
}

export function countSeverities(found: readonly { readonly severity: Severity }[]): SeverityCounts {
  return counted(
    ['CRITICAL', 'HIGH', 'MEDIUM', 'INFO'] as const,
    found.map(({ severity }) => severity),
  );
}

function counted<N extends string>(
  names: readonly N[],
  found: readonly N[],
): { readonly [name in N]?: number } {
  const counts = names.map((name) => [name, found.filter((one) => one === name).length] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0)) as { [name in N]?: number };
}

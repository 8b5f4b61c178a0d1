/** What a judged run leaves in the book: its record, the lock, and which plan stands. Pure, asked again after a conflict. */
import { type Outcome, outcomeOf } from '../domain/reconcile/outcome.ts';
import { massChange, policyApproves } from '../domain/reconcile/plan.ts';
import { approved } from '../domain/reconcile/plan-state.ts';
import {
  countSeverities,
  countTypes,
  type PlanRecord,
  planRecord,
  type RunRecord,
  type RunState,
} from '../domain/reconcile/records.ts';
import type { Plan, ReconcileInput, Verdict } from '../domain/reconcile/types.ts';
import type { Flags } from '../domain/safety/flags.ts';
import type { ReconcileLock } from '../domain/safety/lock.ts';
import { incompleteLists } from './broker-picture.ts';
import { isToBeResumed } from './resume.ts';
import type { Standing, StandingChange } from './state.ts';

export interface JudgedRun {
  readonly input: ReconcileInput;
  /** Why there is no snapshot; `''` where there is one. */
  readonly noSnapshot: string;
  readonly verdict: Verdict;
  /** Flags as they were when the run began: a change during it counts from the next one on. */
  readonly flags: Flags;
  /** Version of the lock when the run began; 0 for none. */
  readonly lockVersion: number;
  readonly plan: Plan;
  readonly planKey: string;
  readonly planContent: string;
  /** Of the part that is in no question. */
  readonly planWithoutAmbiguous: string;
}

export function judgedOutcome({ input, noSnapshot, verdict, flags }: JudgedRun): Outcome {
  const { mode } = input.rules;
  const stale = verdict.discrepancies.find(
    ({ type, subject }) => type === 'STALE_DATA' && subject === 'snapshot',
  );
  if (input.broker === null || stale !== undefined) {
    return outcomeOf({ kind: 'no-snapshot', mode, why: noSnapshot || stale?.broker || 'no snapshot' });
  }
  const incomplete = incompleteLists(input.broker);
  return outcomeOf({
    kind: 'judged',
    flags,
    mode,
    incomplete,
    unjudged: incomplete.length > 0 ? [] : verdict.unjudged,
    discrepancies: verdict.discrepancies,
    kept: keptOf(verdict),
    ambiguous: verdict.ambiguous.length,
    actions: verdict.plan.actions.length,
    massChange: massChange(verdict.plan, input.book, input.rules),
  });
}

/** Discrepancies that are open, and that this run did not find again because it could not judge them. */
function keptOf({ discrepancies, memory }: Verdict) {
  const found = new Set(discrepancies.map(({ id }) => id));
  return memory.noted
    .filter(({ id, state }) => state !== 'resolved' && !found.has(id))
    .map(({ id, type, severity }) => ({ type, severity, subject: id.slice(type.length + 1) }));
}

/** A record with what the run found. */
export function judgedRecord(run: RunRecord, judged: JudgedRun, outcome: Outcome, nowMs: number): RunRecord {
  const { verdict, input } = judged;
  return {
    ...run,
    status: outcome.status,
    code: outcome.code,
    reason: outcome.reason,
    endedAtMs: nowMs,
    epoch: input.broker?.epoch ?? 0,
    types: countTypes(verdict.discrepancies),
    severities: countSeverities(verdict.discrepancies),
    discrepancies: verdict.discrepancies.length,
    pending: verdict.pending.length,
    ambiguous: verdict.ambiguous.length,
    actions: verdict.plan.actions.length,
    counts: verdict.counts,
  };
}

export interface Conclusion extends StandingChange {
  /** The plan that stands; undefined for none. */
  readonly standing: PlanRecord | undefined;
  /** This run made it. */
  readonly isNewPlan: boolean;
  /** It is approved, just now by the policy or earlier by somebody, and apply-plan is to be asked for it. */
  readonly isToBeApplied: boolean;
}

export function conclude(
  standing: Standing,
  run: RunRecord,
  judged: JudgedRun,
  outcome: Outcome,
): Conclusion {
  const chosen = planAfter(standing, judged, outcome, run);
  const former = standing.plan;
  const isReplaced = former !== undefined && former.hash !== chosen?.hash;
  const superseded: PlanRecord[] =
    isReplaced && (former.state === 'staged' || former.state === 'approved')
      ? [{ ...former, state: 'superseded', replacedBy: chosen?.hash ?? '' }]
      : [];
  const isChanged = chosen !== undefined && chosen !== former;
  const state: RunState = {
    last: run,
    memory: run.verdict ?? standing.state?.memory ?? null,
    lastCompletedMs: run.status === 'COMPLETED' ? run.endedAtMs : (standing.state?.lastCompletedMs ?? null),
    lastJudgedMs: run.code === 'STALE_DATA' ? (standing.state?.lastJudgedMs ?? null) : run.endedAtMs,
    planHash: chosen?.hash ?? '',
    paused: stillPaused(standing, run.endedAtMs),
    acknowledged: stillOpen(standing, judged.verdict),
  };
  // What is half carried out is not what was judged: it may lock, and must not open. No more may it where somebody has
  // locked while it judged: a restore, for one, has made another book of the one that was compared.
  const isOvertaken =
    chosen?.state === 'applying' ||
    (standing.lock.state === 'locked' && standing.versions.lock !== judged.lockVersion);
  const lock = isOvertaken && outcome.lock === 'open' ? undefined : lockOf(outcome, run, standing.lock);
  const isToBeApplied = chosen !== undefined && isToBeResumed(chosen, standing.flags, run.endedAtMs);
  return {
    state,
    ...(lock === undefined ? {} : { lock }),
    plans: isChanged ? [...superseded, chosen] : superseded,
    standing: chosen,
    isNewPlan: chosen !== undefined && chosen.hash !== former?.hash,
    isToBeApplied,
  };
}

/** `undefined`: it stays as it is. What locks holds in any term of the lease; what opens only in that of the snapshot. */
export function lockOf(
  { lock, reason }: Pick<Outcome, 'lock' | 'reason'>,
  { runId, epoch }: Pick<RunRecord, 'runId' | 'epoch'>,
  { token }: Pick<ReconcileLock, 'token'>,
): ReconcileLock | undefined {
  if (lock === 'same') return undefined;
  return { state: lock, reason, runId, token: lock === 'open' ? epoch : Math.max(token, epoch) };
}

function planAfter(
  standing: Standing,
  judged: JudgedRun,
  outcome: Outcome,
  run: RunRecord,
): PlanRecord | undefined {
  const { plan: former } = standing;
  // Somebody began to carry it out while this run judged: what it is at work on is no longer what was judged.
  if (former?.state === 'applying') return former;
  // A run that could not judge says nothing of the plan: its versions do.
  if (outcome.status === 'REFUSED' && !outcome.staged) return former;
  if (!outcome.staged) return undefined;
  const { input, flags } = judged;
  const record = leftStanding(former, judged) ?? made(judged);
  const byPolicy =
    record.state === 'staged' &&
    outcome.mayApply &&
    !flags.SAFE_MODE &&
    policyApproves(judged.verdict.plan, input.book, input.rules);
  if (!byPolicy) return record;
  return approved(record, {
    by: 'policy auto_sync',
    reason: `all of it is ${input.rules.autoSync.join(', ')}`,
    at: new Date(run.endedAtMs).toISOString(),
    proof: '',
  });
}

/**
 * The plan that stands, where this run would make the same: whoever reviews it needs more time than there is between two
 * runs. One that nobody has approved is made anew once half of its time is over, so that there is always time left.
 */
function leftStanding(former: PlanRecord | undefined, judged: JudgedRun): PlanRecord | undefined {
  if (former === undefined || former.content !== contentLike(former, judged)) return undefined;
  const { code } = former.madeFrom === '' ? refusedAtOnce(judged) : { code: '' };
  const leftMs = former.expiresAtMs - judged.input.nowMs;
  // Where its time is over apply-plan is asked for it as well: it refuses it, and says so to whoever approved it.
  if (former.state === 'approved') return former;
  if (leftMs * 2 <= judged.input.rules.planValidMs) return undefined;
  if (former.state === 'rejected') return former;
  if (former.state === 'refused') return former.refusedCode === code && code !== '' ? former : undefined;
  return former.state === 'staged' && code === '' ? former : undefined;
}

/** What this run's plan says, as far as the former one was to say it: a part without the ambiguous is compared as one. */
function contentLike(former: PlanRecord, { planContent, planWithoutAmbiguous }: JudgedRun): string {
  return former.madeFrom === '' ? planContent : planWithoutAmbiguous;
}

function made(judged: JudgedRun): PlanRecord {
  const { plan, planKey: key, planContent: content } = judged;
  const { code: refusedCode, reason: refusedReason } = refusedAtOnce(judged);
  return planRecord(plan, { key, content, refusedCode, refusedReason });
}

function refusedAtOnce({ verdict, input }: JudgedRun): { readonly code: string; readonly reason: string } {
  if (verdict.ambiguous.length > 0) {
    return { code: 'PLAN_AMBIGUOUS', reason: `${verdict.ambiguous.length} ambiguous` };
  }
  const { exceeds, touched, live } = massChange(verdict.plan, input.book, input.rules);
  return exceeds ? { code: 'PLAN_MASS_CHANGE', reason: `${touched} of ${live}` } : { code: '', reason: '' };
}

export function stillPaused({ state }: Pick<Standing, 'state'>, nowMs: number): RunState['paused'] {
  const paused = state?.paused ?? null;
  return paused !== null && nowMs < paused.untilMs ? paused : null;
}

function stillOpen({ state }: Standing, { memory }: Verdict): RunState['acknowledged'] {
  const open = new Set(memory.noted.filter((noted) => noted.state !== 'resolved').map(({ id }) => id));
  return Object.fromEntries(Object.entries(state?.acknowledged ?? {}).filter(([id]) => open.has(id)));
}

/**
 * Approval by a person: bound to the hash of what was reviewed and to the identity that STS gives, written into the
 * plan's item, then applied.
 */
import {
  approved,
  endsStaged,
  judgeApproval,
  judgeFlags,
  type Refusal,
  refusal,
} from '../domain/reconcile/plan-state.ts';
import type { PlanApproval, PlanRecord } from '../domain/reconcile/records.ts';
import type { IdentityProof, IdentityVerifier } from '../ports/identity-proof.ts';
import { type ApplyPorts, applyPlan, tellApplied } from './apply-plan.ts';
import { type Approvers, proveDecider } from './identity-proof.ts';
import {
  changePlan,
  isRefusal,
  judgeAgainstBook,
  noticeOf,
  type PlanAnswer,
  type PlanName,
  type PlanPorts,
  readPlan,
  refusePlan,
  reviewedPlan,
} from './plan-desk.ts';

export interface ApproveRequest extends PlanName {
  readonly reason: string;
  readonly proof: IdentityProof;
}

export interface ApprovePorts extends ApplyPorts {
  readonly identities: IdentityVerifier;
  readonly approvers: Approvers;
}

/**
 * Approves the plan and applies it at once. Of one that is approved already, a further approval goes on with applying it.
 * With DRY_RUN_CONFIRM false the approval is written, and the plan waits.
 *
 * @returns what became of it; a refusal is an answer
 * @throws IdentityUnavailableError, and what `applyPlan` throws
 */
export async function approvePlan(request: ApproveRequest, ports: ApprovePorts): Promise<PlanAnswer> {
  const { account, hash, reason, proof } = request;
  const name = { account, hash };
  const decider = await proveDecider(proof, 'approve', hash, ports);
  const by = {
    kind: 'operator',
    id: decider.arn || 'unproven',
    name: `plan approve ${hash.slice(0, 12)}`,
    reason,
  } as const;
  if (!decider.ok) return refusePlan(name, decider.refusal, by, () => false, ports);
  const approval: PlanApproval = {
    by: decider.arn,
    reason,
    at: new Date(ports.nowMs()).toISOString(),
    proof: decider.proof,
  };
  const outcome = await changePlan<Refusal | 'approved before'>(name, ports, async ({ record, flags }) => {
    const why = await judge(name, record, approval, ports);
    if (why !== undefined) return { end: why };
    if (record === undefined || record.state !== 'staged') return { end: 'approved before' };
    const stopped = judgeFlags(flags);
    if (stopped !== undefined && stopped.code !== 'CONFIRM_OFF') return { end: stopped };
    return { record: approved(record, approval), by };
  });
  const { flags, record } = await readPlan(ports.book, name);
  if ('end' in outcome && outcome.end !== 'approved before') {
    // Whoever did it may have been stopped before he could say so.
    if (outcome.end.code === 'PLAN_ALREADY_APPLIED' && record !== undefined)
      await tellApplied(name, record, ports);
    return refusePlan(name, outcome.end, by, endsStaged, ports);
  }
  if (record !== undefined) await tellApproved(name, record, ports);
  const waits = record?.state === 'approved' ? judgeFlags(flags) : undefined;
  return waits === undefined ? applyPlan(name, ports) : refusePlan(name, waits, by, () => false, ports);
}

async function judge(
  { account, hash }: PlanName,
  record: PlanRecord | undefined,
  { proof, reason }: PlanApproval,
  ports: PlanPorts,
): Promise<Refusal | undefined> {
  if (record === undefined) return refusal('PLAN_UNKNOWN', `The account ${account} has no plan ${hash}`);
  if (reason.trim() === '')
    return refusal('REASON_MISSING', `The approval of the plan ${hash} came without a reason`);
  if (record.approval?.proof === proof) {
    return refusal(
      'APPROVAL_REPLAYED',
      `The proof of ${record.approval.by} was used before, at ${record.approval.at}`,
    );
  }
  const why = judgeApproval(record, ports.nowMs());
  if (why !== undefined || record.state !== 'staged') return why;
  const plan = await reviewedPlan({ account, hash }, record, ports);
  return isRefusal(plan) ? plan : judgeAgainstBook(plan, record, ports);
}

/** May be said more than once: the event has the same id. */
async function tellApproved(name: PlanName, record: PlanRecord, ports: PlanPorts): Promise<void> {
  const { hash, runId, approval, actions } = record;
  await ports.tell({
    ...noticeOf(name.account, ports, ports.nowMs()),
    id: `plan:${hash}:approved`,
    type: 'plan.approved',
    data: {
      planHash: hash,
      runId,
      by: approval?.by ?? '',
      reason: approval?.reason ?? '',
      actions,
      start: 'at_once',
    },
  });
}

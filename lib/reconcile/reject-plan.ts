/** A person says no: the plan can never be applied, and the next run stages what it finds then. */
import { judgeRejection, type Refusal, refusal, rejected } from '../domain/reconcile/plan-state.ts';
import type { PlanRecord } from '../domain/reconcile/records.ts';
import type { ApprovePorts, ApproveRequest } from './approve-plan.ts';
import { proveDecider } from './identity-proof.ts';
import { answerOf, changePlan, type PlanAnswer, refusePlan } from './plan-desk.ts';

/** @throws IdentityUnavailableError, BookError */
export async function rejectPlan(
  request: ApproveRequest,
  ports: Omit<ApprovePorts, 'backup' | 'commands'>,
): Promise<PlanAnswer> {
  const { account, hash, reason, proof } = request;
  const name = { account, hash };
  const decider = await proveDecider(proof, 'reject', hash, ports);
  const by = {
    kind: 'operator',
    id: decider.arn || 'unproven',
    name: `plan reject ${hash.slice(0, 12)}`,
    reason,
  } as const;
  if (!decider.ok) return refusePlan(name, decider.refusal, by, () => false, ports);
  const outcome = await changePlan<Refusal>(name, ports, async ({ record }) => {
    const why = judge(record, request);
    return why === undefined && record !== undefined
      ? { record: rejected(record, reason), by }
      : { end: why! };
  });
  if ('written' in outcome) return answerOf(name, outcome.written);
  return refusePlan(name, outcome.end, by, () => false, ports);
}

function judge(
  record: PlanRecord | undefined,
  { account, hash, reason }: ApproveRequest,
): Refusal | undefined {
  if (record === undefined) return refusal('PLAN_UNKNOWN', `The account ${account} has no plan ${hash}`);
  if (reason.trim() === '')
    return refusal('REASON_MISSING', `The rejection of the plan ${hash} came without a reason`);
  return judgeRejection(record);
}

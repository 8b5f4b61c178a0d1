/**
 * Stages what is beyond question of a plan that has ambiguous items, as a plan of its own with its own hash. It is
 * reviewed and approved like any other; the same plan always leaves the same rest.
 */
import { operatorWriter } from '../domain/audit/writers.ts';
import { isExpired } from '../domain/reconcile/plan.ts';
import { type Refusal, refusal, withoutAmbiguous } from '../domain/reconcile/plan-state.ts';
import {
  isOver,
  type PlanRecord,
  planBody,
  planRecord,
  planRef,
  readPlanRecord,
  readRunState,
  runStateBody,
  runStateRef,
} from '../domain/reconcile/records.ts';
import type { Plan } from '../domain/reconcile/types.ts';
import type { ApprovePorts, ApproveRequest } from './approve-plan.ts';
import { proveDecider } from './identity-proof.ts';
import {
  answerOf,
  isRefusal,
  judgeAgainstBook,
  noticeOf,
  type PlanAnswer,
  PlanContentionError,
  type PlanPorts,
  refusePlan,
  reviewedPlan,
} from './plan-desk.ts';
import { storePlan } from './plan-store.ts';

const attemptsMax = 6;
const pauseMs = 30;

/**
 * @returns the new plan's answer, staged; or why there is none
 * @throws IdentityUnavailableError, BookError
 */
export async function stageSubset(
  request: ApproveRequest,
  ports: Omit<ApprovePorts, 'backup' | 'commands'>,
): Promise<PlanAnswer> {
  const { account, hash, reason, proof } = request;
  const name = { account, hash };
  const decider = await proveDecider(proof, 'except-ambiguous', hash, ports);
  const by = {
    kind: 'operator',
    id: decider.arn || 'unproven',
    name: `plan approve ${hash.slice(0, 12)} --except-ambiguous`,
    reason,
  } as const;
  if (!decider.ok) return refusePlan(name, decider.refusal, by, () => false, ports);
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const [plan, run] = await ports.book.read(account, [planRef(hash), runStateRef]);
    const record = readPlanRecord(plan?.body);
    const rest = await restOf(request, record, ports);
    if (isRefusal(rest)) return refusePlan(name, rest, by, () => false, ports);
    const state = readRunState(run?.body);
    // What a later run found at the broker is what counts, also where it found nothing to change.
    if (state !== undefined && state.planHash !== hash) {
      const what =
        state.planHash === ''
          ? `The run ${state.last.runId} has left no plan standing, so the plan ${hash} is not what the broker has now`
          : `The plan ${state.planHash} of a later run stands`;
      return refusePlan(name, refusal('PLAN_SUPERSEDED', what), by, () => false, ports);
    }
    const stored = await storePlan(ports.plans, rest, ports.canonicalJson);
    const made = planRecord(stored.plan, { ...stored, madeFrom: hash });
    const [former] = await ports.book.read(account, [planRef(made.hash)]);
    const result = await ports.book.commit({
      account,
      writer: operatorWriter,
      cause: by,
      atMs: ports.nowMs(),
      orderKey: '',
      writes: [
        { ref: planRef(made.hash), expectedVersion: former?.version ?? 0, body: planBody(made) },
        {
          ref: planRef(hash),
          expectedVersion: plan?.version ?? 0,
          body: planBody({ ...record!, replacedBy: made.hash }),
        },
        ...(state === undefined
          ? []
          : [
              {
                ref: runStateRef,
                expectedVersion: run?.version ?? 0,
                body: runStateBody({ ...state, planHash: made.hash }),
              },
            ]),
      ],
    });
    if (result === 'committed') {
      await tellStaged(made, account, ports);
      return answerOf({ account, hash: made.hash }, made);
    }
    await ports.sleep(pauseMs * attempt * Math.random());
  }
  throw new PlanContentionError(name);
}

/** What is beyond question, or why nothing of it can be staged. */
async function restOf(
  { account, hash, reason }: ApproveRequest,
  record: PlanRecord | undefined,
  ports: PlanPorts,
): Promise<Omit<Plan, 'hash'> | Refusal> {
  if (record === undefined) return refusal('PLAN_UNKNOWN', `The account ${account} has no plan ${hash}`);
  if (reason.trim() === '')
    return refusal('REASON_MISSING', `It was not said why the rest of the plan ${hash} is to be staged`);
  if (record.ambiguous === 0) return refusal('PLAN_NOT_AMBIGUOUS', `The plan ${hash} has no ambiguous items`);
  if (record.replacedBy !== '') {
    return refusal('PLAN_SUPERSEDED', `The plan ${hash} was replaced by ${record.replacedBy}`);
  }
  if (isExpired(record, ports.nowMs())) {
    return refusal(
      'PLAN_EXPIRED',
      `The plan ${hash} was valid until ${new Date(record.expiresAtMs).toISOString()}`,
    );
  }
  if (isOver(record) && record.refusedCode !== 'PLAN_AMBIGUOUS') {
    return refusal('PLAN_REFUSED', `The plan ${hash} is ${record.state} ${record.refusedCode}`);
  }
  const reviewed = await reviewedPlan({ account, hash }, record, ports);
  if (isRefusal(reviewed)) return reviewed;
  const { hash: _, ...whole } = reviewed;
  const rest = withoutAmbiguous(whole);
  if (rest.actions.length === 0)
    return refusal('PLAN_EMPTY', `Nothing of the plan ${hash} is beyond question`);
  return (await judgeAgainstBook({ ...rest, hash }, { done: 0, cancelUntilMs: 0 }, ports)) ?? rest;
}

async function tellStaged(record: PlanRecord, account: string, ports: PlanPorts): Promise<void> {
  const { hash, runId, inserts, updates, deletes, cancels, ambiguous, refusedCode, expiresAtMs, key } =
    record;
  await ports.tell({
    ...noticeOf(account, ports, ports.nowMs()),
    id: `plan:${hash}:staged`,
    type: 'plan.staged',
    data: {
      runId,
      planHash: hash,
      inserts,
      updates,
      deletes,
      cancels,
      ambiguous,
      refusedCode,
      expiresAt: new Date(expiresAtMs).toISOString(),
      stagedActions: key,
    },
  });
}

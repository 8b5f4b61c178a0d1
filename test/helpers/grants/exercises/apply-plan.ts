import { canonicalJson } from '../../../../lib/aws/audit-hash.ts';
import { proveIdentity } from '../../../../lib/aws/identity-proof.ts';
import { planBody, planRecord, planRef } from '../../../../lib/domain/reconcile/records.ts';
import type { PlanAction } from '../../../../lib/domain/reconcile/types.ts';
import type { PlanAnswer } from '../../../../lib/reconcile/plan-desk.ts';
import { storePlan } from '../../../../lib/reconcile/plan-store.ts';
import { cancelOf, execute, order, position } from '../../plan-desk.ts';
import { type Exercise, fresh } from '../exercise.ts';
import { oldBackups } from '../history.ts';
import { account, type GrantWorld } from '../world.ts';

const doomed = { kind: 'position', id: '9' } as const;

/**
 * What is beyond question of a plan becomes a plan of its own, is approved by a person, and carried out after its backup:
 * it inserts, deletes for good and cancels. A plan whose text is gone is refused.
 */
export const applyPlan: Exercise = {
  role: 'apply-plan',
  async run(world) {
    await world.clear('book', 'audit');
    const by = { who: 'test', reason: 'test' };
    await world.safety().setFlags(account, { ...execute, FORCE_SYNC_DELETE: true }, by);
    await oldBackups(world, 1);
    const whole = await stagePlan(world);
    const rest = await decide(world, 'except-ambiguous', whole.hash, 'staged');
    await decide(world, 'approve', rest.plan_hash, 'applied');
    const lost = await stagePlan(world);
    await world.hide('reconcile', lost.key);
    await decide(world, 'approve', lost.hash, 'refused');
    await world.failForGood('apply-plan', 'no request');
  },
};

async function decide(
  world: GrantWorld,
  action: 'approve' | 'except-ambiguous',
  hash: string,
  state: string,
): Promise<PlanAnswer> {
  const proof = await proveIdentity(world.clients.sts, action, hash, {
    endpoint: world.cloud.endpoint,
  });
  const asked = { action, account, hash, reason: 'test', proof };
  const answer = await world.invoke<PlanAnswer>('apply-plan', asked);
  if (answer.plan_state !== state) throw new Error(`${action}: ${JSON.stringify(answer)}`);
  return answer;
}

/** As a run of reconcile leaves it, with one match that is ambiguous. */
async function stagePlan(world: GrantWorld): Promise<{ readonly hash: string; readonly key: string }> {
  const number = fresh();
  const nowMs = Date.now();
  const deletion: PlanAction = {
    ...position(9, ''),
    kind: 'to_delete',
    writes: [{ ref: doomed, expectedVersion: 1, body: null }],
  };
  const conId = 3_000 + number;
  const actions = [position(conId, '7'), order(`P${conId}`, 'Filled'), deletion, cancelOf(conId)];
  const made = await storePlan(
    world.bucket('reconcile'),
    {
      account,
      runId: `run_20260105_143500_${String(number).padStart(6, '0')}`,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + 3_600_000,
      ruleVersion: 1,
      snapshotSha256: 'a'.repeat(64),
      actions,
      ambiguous: [{ subject: 'order P1', book: ['P1'], broker: ['1', '2'], reason: 'both fit' }],
      rests: [],
    },
    canonicalJson,
  );
  const book = world.book();
  const [there] = await book.read(account, [doomed]);
  const result = await book.commit({
    account,
    writer: 'reconcile',
    cause: { kind: 'reconcile', id: made.plan.runId, name: 'staged', reason: '' },
    atMs: nowMs,
    orderKey: '',
    writes: [
      { ref: planRef(made.plan.hash), expectedVersion: 0, body: planBody(planRecord(made.plan, made)) },
      ...(there === undefined ? [{ ref: doomed, expectedVersion: 0, body: { size: '1' } }] : []),
    ],
  });
  if (result !== 'committed') throw new Error('the plan was not staged');
  return { hash: made.plan.hash, key: made.key };
}

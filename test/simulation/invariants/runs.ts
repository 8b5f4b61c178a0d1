/** What must hold of a run of reconcile when it answers. */
import type { RunAnswer } from '../../../lib/domain/reconcile/records.ts';
import type { SnapshotDocument } from '../../../lib/events/snapshot-document.ts';
import type { Witness } from './witness.ts';

const judged = ['COMPLETED', 'AWAITING_DRY_RUN_CONFIRM', 'DRY_RUN'];

export function checkRun(answer: RunAnswer, witness: Witness): void {
  if (!judged.includes(answer.status) || answer.evidence === '') return;
  const { reconcile, snapshots } = witness.world.cloud.stores;
  const evidence = reconcile.peek(answer.evidence);
  if (evidence === undefined) {
    witness.broken('failed-query', `${answer.run_id} has no evidence`);
    return;
  }
  const { snapshotKey } = JSON.parse(Buffer.from(evidence).toString('utf8')) as { snapshotKey: string };
  const snapshot = snapshots.peek(snapshotKey);
  if (snapshot === undefined) {
    witness.broken('failed-query', `${answer.run_id} is ${answer.status} without a snapshot`);
    return;
  }
  const { parts } = JSON.parse(Buffer.from(snapshot).toString('utf8')) as SnapshotDocument;
  const unfinished = Object.entries(parts).filter(([, { outcome }]) => outcome !== 'ok');
  if (unfinished.length > 0)
    witness.broken(
      'failed-query',
      `${answer.run_id} is ${answer.status} on ${unfinished.map(([name, { outcome }]) => `${name} ${outcome}`).join(', ')}`,
    );
}

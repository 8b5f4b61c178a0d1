/** What must hold of a run of reconcile when it answers. */
import type { RunAnswer } from '../../../lib/domain/reconcile/records.ts';
import type { ReconcileMemory, Verdict } from '../../../lib/domain/reconcile/types.ts';
import type { SnapshotDocument } from '../../../lib/events/snapshot-document.ts';
import { checkAbsence, checkCounts, checkSnapshot, checkVerdict } from './snapshots.ts';
import type { Witness } from './witness.ts';

/** An execution has its place in the lists a moment after it happened. */
const settledMs = 1_000;

const judged = ['COMPLETED', 'AWAITING_DRY_RUN_CONFIRM', 'DRY_RUN'];

export function checkRun(answer: RunAnswer, witness: Witness): void {
  checkWhole(answer, witness);
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

/** Whatever the run came to. */
function checkWhole({ evidence, run_id, duration_ms }: RunAnswer, witness: Witness): void {
  const { reconcile, snapshots } = witness.world.cloud.stores;
  const said = evidence === '' ? undefined : reconcile.peek(evidence);
  if (said === undefined) return;
  const { snapshotKey, input } = JSON.parse(Buffer.from(said).toString('utf8')) as {
    readonly snapshotKey: string;
    readonly input?: { readonly memory?: ReconcileMemory };
  };
  const snapshot = snapshotKey === '' ? undefined : snapshots.peek(snapshotKey);
  const verdict = reconcile.peek(evidence.replace('evidence.json', 'verdict.json'));
  if (snapshot === undefined || verdict === undefined) return;
  const document = JSON.parse(Buffer.from(snapshot).toString('utf8')) as SnapshotDocument;
  // A function's clock is right.
  checkSnapshot(witness, run_id, document, witness.world.time.nowMs - duration_ms - settledMs);
  const found = JSON.parse(Buffer.from(verdict).toString('utf8')) as Verdict;
  checkVerdict(witness, run_id, document, found);
  checkCounts(witness, run_id, document, input?.memory, found);
  checkAbsence(witness, run_id, found);
}

/** What a run of reconcile may rest on: answers that are whole, and nothing else. */

import type { ReconcileMemory, Verdict } from '../../../lib/domain/reconcile/types.ts';
import type { SnapshotDocument } from '../../../lib/events/snapshot-document.ts';
import type { Witness } from './witness.ts';

/**
 * A list that says that it is whole has what the broker had done before it was asked for.
 *
 * @param askedMs true time, at the latest
 */
export function checkSnapshot(
  witness: Witness,
  name: string,
  { parts }: SnapshotDocument,
  askedMs: number,
): void {
  const { outcome, rows } = parts.executions;
  if (outcome !== 'ok' || witness.world.gateway.isUnloadedSince(askedMs)) return;
  const listed = new Set(rows.flatMap((row) => (row.kind === 'execution' ? [baseOf(row.execId)] : [])));
  const missing = witness.world.gateway.broker.ledger
    .standing()
    .find(({ base, timeMs }) => timeMs < askedMs && !listed.has(base));
  if (missing !== undefined)
    witness.broken(
      'failed-query',
      `${name} rests on a list of executions that is called whole and lacks ${missing.execId}`,
    );
}

/** Of what was not listed whole nothing is found missing. */
export function checkVerdict(
  witness: Witness,
  name: string,
  { parts }: SnapshotDocument,
  verdict: Verdict,
): void {
  if (parts.positions.outcome !== 'ok') {
    const found = verdict.discrepancies.find(
      ({ type, subject }) => subject.startsWith('position ') && type !== 'UNRESOLVED',
    );
    if (found !== undefined)
      witness.broken(
        'failed-query',
        `${name} found ${found.id} in positions that are ${parts.positions.outcome}`,
      );
  }
}

/** While one of the lists of orders is not whole, nobody counts how often an order was in none of them. */
export function checkCounts(
  witness: Witness,
  name: string,
  { parts }: SnapshotDocument,
  before: ReconcileMemory | undefined,
  { memory }: Verdict,
): void {
  const unfinished = (['openOrders', 'completedOrders', 'executions'] as const).filter(
    (list) => parts[list].outcome !== 'ok',
  );
  if (unfinished.length === 0) return;
  // An order that is listed may be counted for what is said of it.
  const listed = new Set(
    [...parts.openOrders.rows, ...parts.completedOrders.rows].map((row) =>
      'permId' in row ? row.permId : 0,
    ),
  );
  for (const [subject, runs] of Object.entries(memory.absent)) {
    if (!subject.startsWith('order ') || runs <= (before?.absent[subject] ?? 0)) continue;
    const permId = witness.book.get(`ORDER#${subject.slice('order '.length)}`)?.permId;
    if (permId !== undefined && !listed.has(Number(permId)))
      witness.broken(
        'failed-query',
        `${name} counts ${subject} as absent without ${unfinished.join(' and ')}`,
      );
  }
}

/** So often something must be missing from whole lists before anything is said of it. */
const absentRuns = 3;

/** What the broker has is not found missing because one list of it did not have it. */
export function checkAbsence(witness: Witness, name: string, { discrepancies, memory, plan }: Verdict): void {
  const { broker } = witness.world.gateway;
  for (const { id, type, subject } of discrepancies) {
    if (type !== 'NAKED_POSITION' || (memory.absent[subject] ?? 0) >= absentRuns) continue;
    const conId = Number(subject.slice('position '.length));
    // The fills prove that a size which a hand has set is none.
    if (witness.spoilt.has(`POS#${conId}`)) continue;
    const held = broker.portfolio.holdings().find(({ instrument }) => instrument.contract.conId === conId);
    if (held?.position.isZero() === false)
      witness.broken(
        'absence',
        `${name} found ${id} after ${memory.absent[subject] ?? 0} runs, and the broker has it`,
      );
  }
  for (const { kind, orderKey } of plan.actions) {
    if (kind !== 'to_delete') continue;
    const order = broker.orders.sent().find(({ permId }) => `P${permId}` === orderKey);
    if (order !== undefined)
      witness.broken('absence', `${name} would delete ${orderKey}, which the broker has ${order.status}`);
  }
}

/** Of the revisions of an execution only the last one is listed. */
function baseOf(execId: string): string {
  return execId.slice(0, execId.lastIndexOf('.'));
}

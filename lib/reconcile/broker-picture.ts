import type { BrokerPicture } from '../domain/reconcile/types.ts';
import type { SnapshotDocument } from '../events/snapshot-document.ts';

/** The snapshot as the engine compares it. */
export function brokerPictureOf(document: SnapshotDocument, sha256: string): BrokerPicture {
  const { commandId, epoch, startedAt, completedAt, brokerTimeMs, parts } = document;
  return {
    id: commandId,
    sha256,
    epoch,
    startedAtMs: Date.parse(startedAt),
    completedAtMs: Date.parse(completedAt),
    brokerTimeMs,
    positions: parts.positions,
    openOrders: parts.openOrders,
    completedOrders: parts.completedOrders,
    executions: parts.executions,
    accountValues: parts.accountValues,
  };
}

const lists = ['positions', 'openOrders', 'completedOrders', 'executions', 'accountValues'] as const;

/** Lists that did not come to their end; any of them keeps a run from being COMPLETED. */
export function incompleteLists(broker: BrokerPicture): readonly string[] {
  return lists.flatMap((name) =>
    broker[name].outcome === 'ok' ? [] : [`${name} is ${broker[name].outcome}`],
  );
}

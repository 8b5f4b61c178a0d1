/** One action for one position: the book's item says what the broker says, as if the streamer had told it at that time. */
import type { PositionReport } from '../accounts/position-report.ts';
import type { PositionBody } from '../book/accounts.ts';
import type { BookBody } from '../book/item.ts';
import { copyContract } from '../orders/order-registers.ts';
import type { DiscrepancyType, PlanAction, Versioned } from './types.ts';

/**
 * The content changes, the stamp stays: the streamer's next word wins, and what it said before and comes late is
 * ignored. A new item has the first stamp of the snapshot's epoch, which every word of that epoch beats.
 */
export function positionAction(
  report: PositionReport,
  stored: Versioned<PositionBody> | undefined,
  epoch: number,
  cures: DiscrepancyType,
  note: string,
): PlanAction {
  const conId = String(report.contract.conId);
  const before = stored?.body;
  const body = {
    ...report,
    contract: copyContract(report.contract),
    stamp: before ? { epoch: before.stamp.epoch, seq: before.stamp.seq } : { epoch, seq: 0 },
  };
  const fields = ['position', 'averageCost', 'averagePrice'] as const;
  const changes = fields
    .map((field) => ({ field, before: before?.[field] ?? '', after: report[field] }))
    .filter((change) => change.before !== change.after);
  const name = report.contract.localSymbol || report.contract.symbol;
  const size = `${before?.position ?? 'nothing'} -> ${report.position} at ${report.averagePrice}`;
  return {
    id: `position:${conId}`,
    kind: before ? 'to_update' : 'to_insert',
    cures: [cures],
    subject: `position ${conId}`,
    summary: [`${name}: ${size}`, note].filter((text) => text !== '').join('; '),
    changes,
    orderKey: '',
    writes: [
      {
        ref: { kind: 'position', id: conId },
        expectedVersion: stored?.version ?? 0,
        body: body as unknown as BookBody,
      },
    ],
    cancel: null,
  };
}

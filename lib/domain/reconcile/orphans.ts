/** Children of a bracket that work on although their parent ended without a fill: they would open what they were to close. */
import type { OrderBody } from '../book/orders.ts';
import type { OrderStatus } from '../orders/order-report.ts';
import { isQuiet, lastChangeMs, type OrderDesk } from './order-desk.ts';
import { discrepancy, evidenceOf, pendingOf, wordsOf } from './order-words.ts';
import type { Discrepancy, Pending, Plan, PlanAction } from './types.ts';

export interface Orphans {
  readonly discrepancies: readonly Discrepancy[];
  readonly pending: readonly Pending[];
  readonly actions: readonly PlanAction[];
  readonly rests: Plan['rests'];
}

const unfilledEnds: readonly OrderStatus[] = ['Cancelled', 'ApiCancelled', 'Rejected', 'Expired'];

/** Only orders that the broker lists as open: what it does not list cannot be cancelled. */
export function judgeOrphans(after: ReadonlyMap<string, OrderBody>, desk: OrderDesk): Orphans {
  const discrepancies: Discrepancy[] = [];
  const pending: Pending[] = [];
  const actions: PlanAction[] = [];
  const rests: Plan['rests'][number][] = [];
  if (!desk.complete.open) return { discrepancies, pending, actions, rests };
  const { book, rules } = desk.input;
  for (const [key, order] of desk.matches.orders) {
    const body = after.get(key);
    const parentKey = body?.terms?.parentKey;
    if (!body?.working || !parentKey || order.open === null) continue;
    const parent = after.get(parentKey);
    if (!parent || !unfilledEnds.includes(parent.status) || parent.filled !== '0') continue;
    const subject = `orphan ${key}`;
    // IB cancels the children itself, a moment later.
    const lastMs = lastChangeMs(book.orders.get(parentKey), desk.matches.orders.get(parentKey));
    if (!isQuiet(desk, lastMs)) {
      pending.push(...pendingOf(subject, 'its parent has just ended', 1).pending);
      continue;
    }
    const ours = order.orderId > 0 && rules.ownClientIds.includes(order.clientId);
    const what = `It works on, although its parent ${parentKey} is ${parent.status} and unfilled: a fill would open a position.`;
    const message = ours
      ? `${what} The plan cancels it.`
      : `${what} It is not of our client, so it cannot be cancelled here: cancel it in TWS.`;
    const found = discrepancy('ORDER_STATUS_MISMATCH', body, {
      subject,
      broker: wordsOf(body),
      book: `parent ${parentKey} ${parent.status}`,
      message,
      evidence: evidenceOf(order),
    });
    discrepancies.push(found);
    if (!ours) continue;
    const { permId, clientId, orderId } = order;
    actions.push({
      id: `cancel:${key}`,
      kind: 'cancel',
      cures: ['ORDER_STATUS_MISMATCH'],
      subject,
      summary: `cancel ${key}, whose parent ${parentKey} is ${parent.status}`,
      changes: [],
      orderKey: key,
      writes: [],
      cancel: { permId, clientId, orderId },
    });
    for (const id of [key, parentKey]) {
      const version = book.orders.get(id)?.version;
      if (version !== undefined) rests.push({ ref: { kind: 'order', id }, expectedVersion: version });
    }
  }
  return { discrepancies, pending, actions, rests };
}

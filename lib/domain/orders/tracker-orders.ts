/**
 * One tracked order: what a fact says is merged to a whole report, and told if it says more than the last one. What is
 * not told is not folded either, so that the state here is the fold of the events, as it is in the book.
 */
import type { FillReport } from './fill-report.ts';
import { isTerminal } from './legal-moves.ts';
import { isShare } from './order-key.ts';
import { standingEnd } from './order-registers.ts';
import type { OrderIdentity, OrderReport, Settlement } from './order-report.ts';
import { type Folded, foldFill, foldReport, viewOf } from './order-state.ts';
import { compareStamps, type Stamp } from './stamp.ts';
import { dropOrphan, parentOf } from './tracker-parents.ts';
import { type Ids, mergeIds, mergeSight, noteSeen, type Sight, saysMore } from './tracker-sight.ts';
import { apiId, emit, nextStamp, type TrackedOrder, type TrackerState } from './tracker-state.ts';
import type { TrackerEventName } from './tracker-types.ts';
import { endOf } from './tracker-view.ts';

const latest: Stamp = { epoch: Number.MAX_SAFE_INTEGER, seq: 0 };
const never: Stamp = { epoch: -1, seq: -1 };

/** The order under this key, new if need be. */
export function trackedOrder(state: TrackerState, key: string, account: string): TrackedOrder {
  const known = state.orders.get(key);
  if (known !== undefined) return known;
  const order: TrackedOrder = {
    key,
    // Of an adviser's order to a group IB may name none.
    account: account || state.config.account,
    state: undefined,
    report: undefined,
    termsAt: never,
    statusAt: never,
    apiAt: never,
    transmit: true,
    parentPermId: 0,
    alerted: new Set(),
    endedAtMs: 0,
    lastSeenMs: state.nowMs,
    listedRound: 0,
    missingRounds: 0,
    silentRounds: 0,
    silentSinceMs: 0,
    unresolvedTold: false,
  };
  state.orders.set(key, order);
  return order;
}

/** Takes in what a fact says of the terms, the status or the filled quantity of an order. */
export function takeSight(state: TrackerState, order: TrackedOrder, sight: Sight): void {
  order.lastSeenMs = state.nowMs;
  const ids = mergeIds(identityOf(order), sight.ids);
  const told = order.report;
  const parentKey = told?.terms.parentKey ?? parentOf(state, order, ids.clientId, sight);
  const merged = mergeSight(order, ids, sight, parentKey);
  if (merged === undefined) return;
  noteSeen(order, sight);
  const next = judged(order, merged);
  if (told !== undefined && !saysMore(told, next)) return;
  order.report = next;
  if (parentKey !== null && told?.terms.parentKey === null) dropOrphan(state, order.key);
  const occurredAtMs = sight.occurredAtMs ?? state.nowMs;
  emit(state, nameOf(told, next), next, order.account, occurredAtMs);
  if (told?.settled && endOf(next.status) === undefined) takeBack(state, order, told.settled, next);
  keep(state, order, foldReport(order.state, next, nextStamp(state)));
}

/** It works after all: it counts as open again, and whoever relied on its end has to hear of it. */
function takeBack(
  state: TrackerState,
  order: TrackedOrder,
  { by, reason }: Settlement,
  { status, contract, terms }: OrderReport,
): void {
  order.unresolvedTold = false;
  // Until a list has it, it is not changed.
  order.missingRounds = Math.max(order.missingRounds, 1);
  const what = `${terms.action} ${terms.quantity} ${contract.localSymbol || contract.symbol}`;
  const alert = {
    alert: 'settled_order_working',
    severity: 'CRITICAL',
    subject: `order ${order.key}`,
    message: `IB tells the order (${what}) as ${status}, which ${by} had given its end (${reason}). It counts as open again, and may fill. Look for it in TWS, and cancel it if it is not wanted.`,
  } as const;
  emit(state, 'alert.raised', alert, order.account, state.nowMs);
}

/** Takes in an execution or its correction; false for a repeat. One with other contents is news: the book marks it. */
export function takeFill(state: TrackerState, order: TrackedOrder, fill: FillReport): boolean {
  order.lastSeenMs = state.nowMs;
  const folded = foldFill(order.state, fill, nextStamp(state));
  if (folded.news) order.silentRounds = 0;
  if (folded.news) emit(state, 'fill.received', fill, order.account, fill.timeMs);
  keep(state, order, folded);
  return folded.news;
}

/** Keeps what was folded, and tells its alerts once. */
export function keep(state: TrackerState, order: TrackedOrder, folded: Folded): void {
  for (const alert of folded.alerts) {
    const id = `${alert.alert} ${alert.subject}`;
    if (order.alerted.has(id)) continue;
    order.alerted.add(id);
    state.dirty.add(`order:${order.key}`);
    emit(state, 'alert.raised', alert, order.account, state.nowMs);
  }
  if (!folded.news) return;
  order.state = folded.state;
  state.dirty.add(`order:${order.key}`);
  const ended = endOf(viewOf(folded.state).status) !== undefined;
  if (ended && order.endedAtMs === 0) order.endedAtMs = state.nowMs;
  if (!ended) order.endedAtMs = 0;
}

/** Where permId and client id of an order lead. Both may become known later than the order itself. */
export function pointTo(state: TrackerState, order: TrackedOrder, ids: Ids, at: Stamp): void {
  // The ids are those of the order, not of a share in it.
  if (isShare(order.key)) return;
  const { permId = 0, clientId = 0, orderId = 0 } = ids;
  if (permId !== 0) state.keyByPerm.set(permId, order.key);
  if (orderId <= 0) return;
  const id = apiId(clientId, orderId);
  const now = state.orders.get(state.keyByApi.get(id) ?? '');
  // The pair may be used again after a rollback of ids: the order that was seen with it last has it.
  if (now !== undefined && compareStamps(now.apiAt, at) > 0) return;
  order.apiAt = at;
  state.keyByApi.set(id, order.key);
}

/** Name of an execution in `keyByExec`: shares may have execIds that differ in the revision alone. */
export function execName(
  orderKey: string,
  { execId, execBase }: { execId: string; execBase: string },
): string {
  return isShare(orderKey) ? execId : execBase;
}

export function identityOf(order: TrackedOrder): OrderIdentity {
  return (
    order.state?.identity ?? {
      orderKey: order.key,
      permId: 0,
      clientId: 0,
      orderId: 0,
      orderRef: '',
      origin: 'manual',
    }
  );
}

/** The report with what follows from it together with the fills, and with an end that was told before. */
function judged(order: TrackedOrder, report: OrderReport): OrderReport {
  const state = foldReport(order.state, report, latest).state;
  const { status, reason, settled } = viewOf(state);
  const { settled: _, ...said } = report;
  if (!isTerminal(status)) return { ...said, status };
  const end = standingEnd(state);
  const byFills = status === 'Filled' && end?.status !== 'Filled';
  return {
    ...said,
    status,
    brokerStatus: byFills ? '' : (end?.brokerStatus ?? ''),
    whyHeld: '',
    reason,
    ...(settled && { settled }),
  };
}

function nameOf(told: OrderReport | undefined, next: OrderReport): TrackerEventName & `order.${string}` {
  const end = endOf(next.status);
  if (end !== undefined && (told === undefined || endOf(told.status) !== end)) return end;
  return told === undefined ? 'order.placed' : 'order.changed';
}

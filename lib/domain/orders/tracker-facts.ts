/** What IB says of orders: open, their status, completed, and errors with their id. */
import type { CompletedOrderFact, OpenOrderFact, OrderErrorFact, OrderStatusFact } from './broker-facts.ts';
import { statusOfCompleted } from './broker-words.ts';
import { amount } from './decimals.ts';
import { keyOfPermId } from './order-key.ts';
import type { Stamp } from './stamp.ts';
import { takeExecution } from './tracker-executions.ts';
import { beforeOfSight, hold } from './tracker-held.ts';
import { identityOf, trackedOrder } from './tracker-orders.ts';
import { askSoon } from './tracker-rounds.ts';
import { orderOf, see, takeHeld, withWaitingStatus } from './tracker-routes.ts';
import { over } from './tracker-sight.ts';
import { apiId, emit, type TrackedOrder, type TrackerState } from './tracker-state.ts';
import { isLiving } from './tracker-view.ts';
import { addBounded, awaitFact } from './tracker-waiting.ts';
import { beforeOf, completedSight, errorSight, isLastWord, openSight, statusSight } from './tracker-words.ts';

export function takeOpenOrder(state: TrackerState, fact: OpenOrderFact, at: Stamp): void {
  const known = orderOf(state, fact, isLastWord(fact.status));
  if (known === undefined && fact.permId === 0) {
    hold(state, fact, at);
    return;
  }
  const order = known ?? trackedOrder(state, keyOfPermId(fact.permId), fact.account);
  order.transmit = fact.transmit;
  const before = takeHeld(state, fact);
  const sight = openSight(fact, at, before === undefined ? beforeOf(order.report) : beforeOfSight(before));
  see(state, order, withWaitingStatus(state, order, over(before, sight)), at);
  takeWaiting(state, order, fact);
}

export function takeStatus(state: TrackerState, fact: OrderStatusFact, at: Stamp): void {
  const known = orderOf(state, fact, isLastWord(fact.status));
  if (known === undefined && fact.permId === 0) {
    hold(state, fact, at);
    return;
  }
  const held = state.held.get(apiId(fact.clientId, fact.orderId));
  const account = known?.account ?? held?.open?.fact.account;
  // Without terms, of it or held back, there is nothing to tell yet: an execution alone does not say them.
  if (account === undefined || (known !== undefined && known.report === undefined && !held?.open)) {
    askSoon(state);
    awaitFact(state, 'statuses', `${fact.permId}`, fact, at);
    return;
  }
  const order = known ?? trackedOrder(state, keyOfPermId(fact.permId), account);
  const before = takeHeld(state, fact);
  const sight = statusSight(fact, at, before === undefined ? beforeOf(order.report) : beforeOfSight(before));
  see(state, order, over(before, sight), at);
}

export function takeError(state: TrackerState, fact: OrderErrorFact, at: Stamp): void {
  const id = apiId(fact.clientId, fact.orderId);
  if (state.held.has(id)) {
    hold(state, fact, at);
    return;
  }
  const order = state.orders.get(state.keyByApi.get(id) ?? '');
  if (order === undefined) {
    awaitFact(state, 'errors', id, fact, at);
    return;
  }
  const sight = errorSight(fact, at, beforeOf(order.report));
  see(state, order, sight, at);
  if (sight.unclear) askSoon(state);
}

export function takeCompleted(state: TrackerState, fact: CompletedOrderFact, at: Stamp): void {
  if (fact.permId === 0) {
    tellUnidentified(state, fact);
    return;
  }
  const key = state.keyByPerm.get(fact.permId) ?? refusedTwin(state, fact)?.key ?? keyOfPermId(fact.permId);
  const order = trackedOrder(state, key, fact.account);
  if (fact.parentPermId !== 0) order.parentPermId = fact.parentPermId;
  // Its terms come from another list with other gaps: they count as long as they are the end's.
  const ended = order.report !== undefined && !isLiving(order);
  see(state, order, withWaitingStatus(state, order, completedSight(fact, at, ended)), at);
}

/** Facts that came before the order did. */
function takeWaiting(state: TrackerState, order: TrackedOrder, fact: OpenOrderFact): void {
  if (fact.orderId <= 0) return;
  const id = apiId(fact.clientId, fact.orderId);
  const error = state.errors.get(id);
  state.errors.delete(id);
  if (error !== undefined)
    see(state, order, errorSight(error.fact, error.at, beforeOf(order.report)), error.at);
  for (const [execId, waiting] of state.executions) {
    if (apiId(waiting.fact.clientId, waiting.fact.orderId) !== id) continue;
    state.executions.delete(execId);
    takeExecution(state, waiting.fact, waiting.at);
  }
}

/** Once a run: the list repeats it every round. */
function tellUnidentified(state: TrackerState, fact: CompletedOrderFact): void {
  if (!addBounded(state.full, 'order_unidentified', Number.POSITIVE_INFINITY)) return;
  const { localSymbol } = fact.contract;
  const message = `IB lists a completed order without a permId (${localSymbol}, ${fact.completedStatus}): nothing tells which order it is, and it is not in the book. Compare with IB's statement.`;
  const alert = {
    alert: 'order_unidentified',
    severity: 'INFO',
    subject: localSymbol || 'order',
    message,
  } as const;
  emit(state, 'alert.raised', alert, fact.account, state.nowMs);
}

/**
 * The completed list has a permId for an order that was refused before it had one. Programs use one reference for many
 * orders, so the end must be the same too: an order that was filled is another one.
 */
function refusedTwin(state: TrackerState, fact: CompletedOrderFact): TrackedOrder | undefined {
  if (fact.orderRef === '' || amount(fact.filled).gt(0)) return undefined;
  const end = statusOfCompleted(fact.status, fact.completedStatus);
  const refused = end === 'Rejected' || end === 'Inactive';
  for (const order of state.orders.values()) {
    if (order.report === undefined || isLiving(order) || identityOf(order).permId !== 0) continue;
    const { orderRef, contract, terms, status } = order.report;
    if (!refused && end !== status) continue;
    const same = orderRef === fact.orderRef && contract.conId === fact.contract.conId;
    if (same && order.account === fact.account && terms.action === fact.terms.action) return order;
  }
  return undefined;
}

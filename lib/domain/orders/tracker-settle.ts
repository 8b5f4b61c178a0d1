/**
 * The end of a complete round: what has waited in vain is settled, orders that no list has are told of, and what ended
 * long ago is forgotten. Absence alone is no verdict: an order that is not listed is not ended by it.
 */
import { commissionReport, takeStrayExecution } from './tracker-executions.ts';
import { forgetFlat } from './tracker-holdings.ts';
import { execName, identityOf } from './tracker-orders.ts';
import { dropOrphan } from './tracker-parents.ts';
import { hasAll } from './tracker-rounds.ts';
import { apiId, emit, type Round, type TrackedOrder, type TrackerState, tellFull } from './tracker-state.ts';
import { isLiving } from './tracker-view.ts';
import { addBounded, overdue } from './tracker-waiting.ts';

export function settle(state: TrackerState, round: Round): void {
  if (!hasAll(round)) return;
  if (state.wholeRounds === 0) state.wholeSinceMs = round.askedMs;
  state.wholeRound = round.id;
  state.wholeRounds += 1;
  settleWaiting(state, round);
  for (const order of state.orders.values()) {
    const isOpen = isLiving(order) || order.report?.settled !== undefined;
    // One of which executions alone are known may have been open for those before: its terms are in the book.
    if (isOpen || order.report === undefined) noteSilence(order, round);
    if (isOpen) watchUnlisted(state, order, round);
  }
  forget(state);
  forgetFlat(state);
}

function settleWaiting(state: TrackerState, round: Round): void {
  for (const { fact, at } of overdue(state, 'executions', round.id)) takeStrayExecution(state, fact, at);
  for (const { fact } of overdue(state, 'commissions', round.id)) {
    const report = commissionReport(fact, '');
    if (!addBounded(state.strayCommissions, fact.execId, state.config.waitingMax)) continue;
    emit(state, 'commission.received', report, state.config.account, state.nowMs);
  }
  for (const { fact } of overdue(state, 'statuses', round.id)) {
    raise(
      state,
      'order_unknown',
      `order P${fact.permId}`,
      `IB sent the status ${fact.status} of an order that none of its lists has (client ${fact.clientId}, order ${fact.orderId}). It is not in the book; look for it in TWS.`,
    );
  }
  for (const { fact } of overdue(state, 'errors', round.id)) {
    raise(
      state,
      'order_error_unmatched',
      `order ${apiId(fact.clientId, fact.orderId)}`,
      `IB answered ${fact.code} (${fact.message}) for an order that it never showed. It is not in the book; if it was to be placed, it was refused.`,
    );
  }
  settleHeld(state, round);
  if (state.held.size < state.config.heldMax) state.full.delete('orders without a permId');
}

/** Shown before it was accepted, and then in no list: it was not. A late repeat of an order that ended says nothing. */
function settleHeld(state: TrackerState, round: Round): void {
  for (const held of state.held.values()) {
    if (held.round >= round.id) continue;
    state.held.delete(held.id);
    state.dirty.add(`held:${held.id}`);
    if (state.keyByApi.has(held.id)) continue;
    raise(
      state,
      'order_never_accepted',
      `order ${held.id}`,
      `IB showed an order (client:order ${held.id}) without accepting it, and has it in no list. It is not in the book; if it was to be placed, place it again.`,
      held.open?.fact.account,
    );
  }
}

function noteSilence(order: TrackedOrder, round: Round): void {
  if (order.listedRound === round.id) {
    order.silentRounds = 0;
    return;
  }
  if (order.silentRounds === 0) order.silentSinceMs = round.askedMs;
  order.silentRounds += 1;
}

function watchUnlisted(state: TrackerState, order: TrackedOrder, round: Round): void {
  if (order.listedRound === round.id) {
    order.missingRounds = 0;
    if (order.unresolvedTold) state.dirty.add(`order:${order.key}`);
    order.unresolvedTold = false;
    return;
  }
  order.missingRounds += 1;
  if (order.unresolvedTold || order.missingRounds < state.config.unresolvedAfterRounds) return;
  order.unresolvedTold = true;
  state.dirty.add(`order:${order.key}`);
  const why = order.transmit
    ? ''
    : ' It was not transmitted: such an order lives in the gateway alone and is gone when that restarts.';
  raise(
    state,
    'order_unresolved',
    `order ${order.key}`,
    `The order was last seen ${order.report!.status} and IB has it neither among the open nor the completed orders, nor filled.${why} It is left as it is; look for it in TWS or in the statement, and once you know how it ended say so: evenkeel order settle ${order.key}.`,
    order.account,
  );
}

/** Ended by IB's word, not spoken of for long, and nobody's living parent. */
function forget(state: TrackerState): void {
  const beforeMs = state.nowMs - state.config.forgetAfterMs;
  const parents = new Set<string>();
  for (const order of state.orders.values()) {
    const parentKey = order.report?.terms.parentKey;
    if (isLiving(order) && parentKey) parents.add(parentKey);
  }
  for (const order of state.orders.values()) {
    if (isLiving(order) || parents.has(order.key) || order.report?.settled) continue;
    if (Math.max(order.lastSeenMs, order.endedAtMs) <= beforeMs) forgetOrder(state, order);
  }
  const over = state.orders.size - state.config.ordersMax;
  if (over <= 0) {
    state.full.delete('orders');
    return;
  }
  const ended = [...state.orders.values()].filter((order) => !isLiving(order) && !parents.has(order.key));
  ended.sort((a, b) => a.lastSeenMs - b.lastSeenMs);
  for (const order of ended.slice(0, over)) forgetOrder(state, order);
  tellFull(
    state,
    'orders',
    `More than ${state.config.ordersMax} orders are followed; those that ended first are forgotten early. If IB lists them again, their events are told again, which changes nothing in the book.`,
  );
}

function forgetOrder(state: TrackerState, order: TrackedOrder): void {
  const { permId, clientId, orderId } = identityOf(order);
  state.orders.delete(order.key);
  if (state.keyByPerm.get(permId) === order.key) state.keyByPerm.delete(permId);
  const id = apiId(clientId, orderId);
  if (state.keyByApi.get(id) === order.key) state.keyByApi.delete(id);
  for (const fill of Object.values(order.state?.fills ?? {}))
    state.keyByExec.delete(execName(order.key, fill));
  dropOrphan(state, order.key);
  state.dirty.add(`order:${order.key}`);
}

function raise(
  state: TrackerState,
  alert: string,
  subject: string,
  message: string,
  account = state.config.account,
): void {
  emit(state, 'alert.raised', { alert, severity: 'INFO', subject, message }, account, state.nowMs);
}

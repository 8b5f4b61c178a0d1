/** What the tracker knows of positions and of orders that may protect them. */
import { isFlat } from '../accounts/position-change.ts';
import {
  type KnownParent,
  knownParent,
  type ProtectionFacts,
  type WatchedOrder,
  watchedOrder,
} from '../safety/protection-facts.ts';
import { viewOf } from './order-state.ts';
import { apiId, type TrackedOrder, type TrackerState } from './tracker-state.ts';
import { isLiving } from './tracker-view.ts';

/**
 * Of the tracker's own account. An order that the last whole round of lists did not have is left out: whether it works
 * at the broker is not known.
 */
export function protectionFacts(state: TrackerState): ProtectionFacts {
  const { account } = state.config;
  const positions = [...state.positions.values()]
    .filter((told) => told.account === account && !isFlat(told.report))
    .map(({ report: { contract, position } }) => ({ contract, position }));
  const orders: WatchedOrder[] = [];
  for (const order of state.orders.values()) {
    if (order.account !== account || order.missingRounds > 0 || !isLiving(order)) continue;
    const known = order.state && watchedOrder(viewOf(order.state), order.transmit, parentOf(order, state));
    if (known !== undefined) orders.push(known);
  }
  return { account, positions, orders };
}

function parentOf({ report }: TrackedOrder, state: TrackerState): KnownParent | undefined {
  const { terms, clientId } = report!;
  const parent = terms.parentKey === null ? undefined : state.orders.get(terms.parentKey)?.state;
  if (parent !== undefined) return knownParent(viewOf(parent));
  // IB has not accepted it yet.
  const isHeld = terms.parentId > 0 && state.held.has(apiId(clientId, terms.parentId));
  return isHeld ? { status: 'PendingSubmit', filled: '0' } : undefined;
}

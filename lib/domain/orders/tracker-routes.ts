/** Which order a fact is about: permId is the account's, client and order id are only as good as one run of ids. */
import { compareStamps, type Stamp } from './stamp.ts';
import { heldSight, release } from './tracker-held.ts';
import { identityOf, pointTo, takeSight } from './tracker-orders.ts';
import { childrenOf } from './tracker-parents.ts';
import { type Ids, mergeIds, over, type Sight } from './tracker-sight.ts';
import { apiId, type TrackedOrder, type TrackerState } from './tracker-state.ts';
import { isLiving } from './tracker-view.ts';
import { beforeOf, statusSight } from './tracker-words.ts';

/** Takes what is said, points the ids to the order, and links children that waited for it. */
export function see(state: TrackerState, order: TrackedOrder, sight: Sight, at: Stamp): void {
  if (sight.status !== undefined) order.silentRounds = 0;
  if (state.round !== undefined && sight.status !== undefined) order.listedRound = state.round.id;
  const known = order.state === undefined;
  if (sight.ids !== undefined) pointTo(state, order, sight.ids, at);
  takeSight(state, order, sight);
  if (order.state === undefined) return;
  const { permId, clientId, orderId } = mergeIds(identityOf(order), sight.ids);
  if (!known && sight.ids === undefined) return;
  for (const key of childrenOf(state, permId, clientId, orderId)) {
    const child = state.orders.get(key);
    if (child !== undefined && child !== order) takeSight(state, child, { at });
  }
}

/** The order that ids name, if it is known. */
export function orderOf(
  state: TrackerState,
  ids: Required<Pick<Ids, 'permId' | 'clientId' | 'orderId'>>,
  ended: boolean,
): TrackedOrder | undefined {
  const { permId, clientId, orderId } = ids;
  const byPerm = permId === 0 ? undefined : state.orders.get(state.keyByPerm.get(permId) ?? '');
  if (byPerm !== undefined || orderId <= 0) return byPerm;
  const byApi = state.orders.get(state.keyByApi.get(apiId(clientId, orderId)) ?? '');
  if (byApi === undefined) return undefined;
  const numbered = identityOf(byApi).permId !== 0;
  // Without a permId it is the order that works under these ids, not one that has ended: ids are used again.
  if (permId === 0) return isLiving(byApi) || (!numbered && ended) ? byApi : undefined;
  // A refusal that was told without a permId, and gets one with its end.
  return !numbered && (ended || isLiving(byApi)) ? byApi : undefined;
}

/** What was held back of an order before its permId came. */
export function takeHeld(
  state: TrackerState,
  { permId, clientId, orderId }: Required<Pick<Ids, 'permId' | 'clientId' | 'orderId'>>,
): Sight | undefined {
  const held = permId === 0 ? undefined : release(state, clientId, orderId);
  return held && heldSight(held);
}

/** A status that came before the terms, as one with them: the order is told once, as it is now. */
export function withWaitingStatus(state: TrackerState, order: TrackedOrder, sight: Sight): Sight {
  const permId = `${sight.ids?.permId ?? 0}`;
  const waiting = state.statuses.get(permId);
  if (waiting === undefined) return sight;
  state.statuses.delete(permId);
  const status = statusSight(waiting.fact, waiting.at, beforeOf(order.report));
  return compareStamps(waiting.at, sight.at) < 0 ? over(status, sight) : over(sight, status);
}

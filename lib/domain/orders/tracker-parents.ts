/** Brackets: which order a child hangs on. IB names the parent by the client's order id, or by permId once completed. */

import type { Sight } from './tracker-sight.ts';
import type { TrackedOrder, TrackerState } from './tracker-state.ts';
import { apiId } from './tracker-state.ts';

/**
 * Key of the parent, or null; a child whose parent has not been seen yet is noted, and hears of it later. A link that
 * was made stays: after a rollback of ids the same number may name another order.
 */
export function parentOf(
  state: TrackerState,
  order: TrackedOrder,
  clientId: number,
  sight: Pick<Sight, 'terms' | 'parentId'>,
): string | null {
  const parentId = order.report?.terms.parentId || sight.terms?.parentId || sight.parentId || 0;
  const names: string[] = [];
  if (order.parentPermId !== 0) names.push(permName(order.parentPermId));
  if (parentId > 0) names.push(apiName(clientId, parentId));
  for (const name of names) {
    const key = keyOf(state, name);
    if (key !== undefined && key !== order.key) return key;
  }
  for (const name of names) noteOrphan(state, name, order.key);
  return null;
}

/** Keys of the children that have been waiting for this order, under each of its names. */
export function childrenOf(state: TrackerState, permId: number, clientId: number, orderId: number): string[] {
  const found = new Set<string>();
  for (const name of [permName(permId), apiName(clientId, orderId)]) {
    for (const key of state.orphans.get(name) ?? []) found.add(key);
    state.orphans.delete(name);
  }
  return [...found];
}

/** The child has found its parent, or is forgotten. */
export function dropOrphan(state: TrackerState, key: string): void {
  for (const [name, keys] of state.orphans)
    if (keys.delete(key) && keys.size === 0) state.orphans.delete(name);
}

function noteOrphan(state: TrackerState, name: string, key: string): void {
  const keys = state.orphans.get(name);
  if (keys === undefined) state.orphans.set(name, new Set([key]));
  else keys.add(key);
}

function keyOf(state: TrackerState, name: string): string | undefined {
  const [kind, first, second] = name.split(' ');
  return kind === 'perm'
    ? state.keyByPerm.get(Number(first))
    : state.keyByApi.get(apiId(Number(first), Number(second)));
}

function permName(permId: number): string {
  return `perm ${permId}`;
}

function apiName(clientId: number, orderId: number): string {
  return `api ${clientId} ${orderId}`;
}

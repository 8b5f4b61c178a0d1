/** What is known of an account's positions and orders at one moment, as far as protection goes, and what is wrong in it. */
import type { TradedContract } from '../orders/contract.ts';
import { type Amount, amount, zero } from '../orders/decimals.ts';
import { isTerminal } from '../orders/legal-moves.ts';
import type { OrderStatus } from '../orders/order-report.ts';
import type { OrderView } from '../orders/order-view.ts';
import { sizeOf } from '../reconcile/holdings.ts';
import { type ActingChild, endedUnfilled, withoutPosition } from './orphan-rule.ts';
import {
  actingQuantity,
  coverOf,
  needsNoStop,
  type RestingOrder,
  type Stop,
  stopOf,
} from './protection-rule.ts';

export interface WatchedPosition {
  readonly contract: TradedContract;
  /** Negative when short; decimal text. */
  readonly position: string;
}

export interface KnownParent {
  readonly status: OrderStatus;
  /** Decimal text, canonical. */
  readonly filled: string;
}

export interface WatchedOrder extends RestingOrder {
  /** Of its contract, for people. */
  readonly name: string;
  /** Its bracket's parent; null for what is nobody's child. */
  readonly parent: {
    /** Key of the parent, else what names it: `<client>:<order id>`. */
    readonly name: string;
    /** Null while nothing is known of it. */
    readonly known: KnownParent | null;
  } | null;
}

export interface ProtectionFacts {
  readonly account: string;
  /** Zeros may be among them. */
  readonly positions: readonly WatchedPosition[];
  /** Orders that have not ended. */
  readonly orders: readonly WatchedOrder[];
}

/** An open position without working stops of its whole size. */
export interface BarePosition {
  readonly contract: TradedContract;
  /** Negative when short. */
  readonly size: Amount;
  readonly covered: Amount;
}

export interface OrphanedChild extends ActingChild {
  readonly why: 'parent-ended' | 'position-gone';
}

/**
 * @param transmit false where the gateway holds it back
 * @param parent what is known of the order that it hangs on
 * @returns undefined for an order that has ended, or of which only executions are known
 */
export function watchedOrder(
  view: OrderView,
  transmit: boolean,
  parent: KnownParent | undefined,
): WatchedOrder | undefined {
  const { terms, contract, status, orderKey } = view;
  if (terms === null || contract === null || isTerminal(status)) return undefined;
  const { parentKey, parentId } = terms;
  const isChild = parentKey !== null || parentId > 0;
  return {
    orderKey,
    conId: contract.conId,
    name: nameOf(contract),
    action: terms.action,
    orderType: terms.orderType,
    quantity: terms.quantity,
    filled: filledOf(view),
    status,
    transmit,
    ocaGroup: terms.ocaGroup,
    parentFilled: isChild && parent && !isTerminal(parent.status) ? parent.filled : null,
    parent: isChild
      ? {
          name: parentKey ?? `${view.clientId}:${parentId}`,
          known: parent ?? null,
        }
      : null,
  };
}

export function nameOf({ localSymbol, symbol, conId }: TradedContract): string {
  return localSymbol || symbol || String(conId);
}

export function knownParent(view: Pick<OrderView, 'status' | 'filled' | 'reportedFilled'>): KnownParent {
  return { status: view.status, filled: filledOf(view) };
}

/** IB may say that it is filled before the execution is told, or without one ever. */
function filledOf({ filled, reportedFilled }: Pick<OrderView, 'filled' | 'reportedFilled'>): string {
  return amount(reportedFilled).gt(filled) ? reportedFilled : filled;
}

/** Sorted by conId. */
export function barePositions(facts: ProtectionFacts, noStopNeeded: readonly string[]): BarePosition[] {
  const stops = stopsByContract(facts.orders);
  return facts.positions
    .map(({ contract, position }) => {
      const size = sizeOf(position);
      return { contract, size, covered: coverOf(size, stops.get(contract.conId) ?? []).covered };
    })
    .filter(({ size, covered }) => !size.isZero() && covered.lt(size.abs()))
    .filter(({ contract }) => !needsNoStop(contract, noStopNeeded))
    .sort((a, b) => a.contract.conId - b.contract.conId);
}

/** By conId. */
export function stopsByContract(orders: readonly RestingOrder[]): ReadonlyMap<number, readonly Stop[]> {
  const stops = new Map<number, Stop[]>();
  for (const order of orders) {
    const stop = stopOf(order);
    if (stop === undefined) continue;
    const known = stops.get(stop.conId);
    if (known === undefined) stops.set(stop.conId, [stop]);
    else known.push(stop);
  }
  return stops;
}

/** Sorted by key. */
export function orphanedChildren({ positions, orders }: ProtectionFacts): OrphanedChild[] {
  const sizes = new Map(positions.map(({ contract, position }) => [contract.conId, sizeOf(position)]));
  const orphans: OrphanedChild[] = [];
  const others: ActingChild[] = [];
  for (const order of orders) {
    if (order.parent === null) continue;
    const quantity = actingQuantity(order);
    if (quantity.isZero()) continue;
    const { orderKey, conId, action, parent } = order;
    const child = { orderKey, conId, action, quantity, parent: parent.name };
    if (parent.known !== null && endedUnfilled(parent.known)) orphans.push({ ...child, why: 'parent-ended' });
    // A combination has no position of its own: its legs have.
    else if (conId !== 0) others.push(child);
  }
  for (const child of withoutPosition(others, (conId) => sizes.get(conId) ?? zero))
    orphans.push({ ...child, why: 'position-gone' });
  return orphans.sort((a, b) => (a.orderKey < b.orderKey ? -1 : 1));
}

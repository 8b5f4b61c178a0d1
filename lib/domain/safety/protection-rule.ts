/**
 * What protects a position: working stop orders against it, whoever placed them. The one rule of it, for reconcile, the
 * guardian of the streamer and the watchdog. What counts is what would act now: not a stop that the gateway holds back,
 * that waits for its parent, or that is being cancelled.
 */
import type { TradedContract } from '../orders/contract.ts';
import { type Amount, amount, zero } from '../orders/decimals.ts';
import { isAccepted } from '../orders/legal-moves.ts';
import type { OrderStatus, Side } from '../orders/order-report.ts';

/** An order as far as it concerns positions. Quantities are decimal text. */
export interface RestingOrder {
  readonly orderKey: string;
  readonly conId: number;
  readonly action: Side;
  /** IB's word. */
  readonly orderType: string;
  readonly quantity: string;
  readonly filled: string;
  readonly status: OrderStatus;
  /** False while the gateway holds it back. */
  readonly transmit: boolean;
  /** `''` for none. */
  readonly ocaGroup: string;
  /** What its parent has filled while that works; null where it has none, or none that can still be filled. */
  readonly parentFilled: string | null;
}

export interface Stop {
  readonly conId: number;
  /** What it would sell is negative; never zero. */
  readonly quantity: Amount;
  /** `''` for none. */
  readonly ocaGroup: string;
  readonly orderKey: string;
}

/** STP, STP LMT, TRAIL and TRAIL LIMIT. */
export function isStopType(orderType: string): boolean {
  return /^(STP|TRAIL)/.test(orderType);
}

/** The stop that an order is; undefined for what is none, or would not act now. */
export function stopOf(order: RestingOrder): Stop | undefined {
  if (!isStopType(order.orderType)) return undefined;
  const quantity = actingQuantity(order);
  if (quantity.isZero()) return undefined;
  const { conId, ocaGroup, orderKey } = order;
  return { conId, ocaGroup, orderKey, quantity: order.action === 'BUY' ? quantity : quantity.negated() };
}

/** How much of an order could be filled now. A child wakes up with its parent: it acts for what that has filled. */
export function actingQuantity(order: RestingOrder): Amount {
  const { status, transmit, parentFilled } = order;
  if (!transmit || !isAccepted(status) || status === 'PendingCancel') return zero;
  const rest = amount(order.quantity).minus(order.filled);
  if (!rest.isPositive()) return zero;
  return parentFilled !== null && rest.gt(parentFilled) ? amount(parentFilled) : rest;
}

export interface Cover {
  /** Stops against the position. */
  readonly against: readonly Stop[];
  /** Quantity that they protect, at most once for each OCA group; it may be more than the position. */
  readonly covered: Amount;
}

/** @param size of the position, negative when short @param stops of its contract */
export function coverOf(size: Amount, stops: readonly Stop[]): Cover {
  const against = stops.filter(({ quantity }) => quantity.isPositive() !== size.isPositive());
  return { against, covered: coveredBy(against) };
}

/** Whether a position needs no stop, by its class, its symbol or its local symbol. */
export function needsNoStop(
  { secType, symbol, localSymbol }: Pick<TradedContract, 'secType' | 'symbol' | 'localSymbol'>,
  noStopNeeded: readonly string[] | undefined,
): boolean {
  return [secType, symbol, localSymbol].some((name) => noStopNeeded?.includes(name) === true);
}

/** Of an OCA group one is filled at most: the largest counts for all. */
function coveredBy(stops: readonly Stop[]): Amount {
  let covered = zero;
  const groups = new Map<string, Amount>();
  for (const { quantity, ocaGroup } of stops) {
    const size = quantity.abs();
    if (ocaGroup === '') covered = covered.plus(size);
    else if (size.gt(groups.get(ocaGroup) ?? zero)) groups.set(ocaGroup, size);
  }
  for (const size of groups.values()) covered = covered.plus(size);
  return covered;
}

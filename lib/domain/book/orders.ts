/** Orders: the fold's state, and beside it what readers want to see without folding. */
import type { OrderIdentity, OrderReport } from '../orders/order-report.ts';
import { foldReport, type OrderState, viewOf } from '../orders/order-state.ts';
import type { BookRef, BookWrite } from './item.ts';
import type { NewsOf } from './news.ts';
import { pointersOf, pointerWrites, resolvedKey } from './pointers.ts';
import { type Booking, bodyOf, type Seen, unread, write } from './seen.ts';

/** Body of an `ORDER#` item: the view of its state, and the state. */
export type OrderBody = ReturnType<typeof viewOf> & { readonly state: OrderState };

/** The whole that the book would have been told last; undefined while only executions are known. */
export function toldReport(body: OrderBody): OrderReport | undefined {
  const { state, status, brokerStatus, whyHeld, reason, terms, contract } = body;
  if (contract === null || terms === null) return undefined;
  return {
    ...state.identity,
    contract,
    terms,
    status,
    brokerStatus,
    whyHeld,
    reason,
    reportedFilled: state.reported?.filled ?? '0',
    reportedAveragePrice: state.reported?.averagePrice ?? null,
    ...(body.settled && { settled: body.settled }),
  };
}

export function bookOrder({ report, at }: NewsOf<'order'>, seen: Seen): Booking {
  const missing = unreadOrder(report, seen);
  if (missing) return missing;
  const orderKey = resolvedKey(report, seen);
  const { state, changed } = foldReport(stateAt(orderKey, seen), { ...report, orderKey }, at);
  return {
    do: 'write',
    orderKey,
    writes: [...orderWrites(orderKey, state, changed, seen), ...pointerWrites(report, orderKey, seen)],
  };
}

/** What has to be read before an order can be written that is known by `identity`: its pointers, then the order. */
export function unreadOrder(
  identity: OrderIdentity,
  seen: Seen,
  others: readonly BookRef[] = [],
): Booking | undefined {
  return (
    unread([orderRef(identity.orderKey), ...pointersOf(identity), ...others], seen) ??
    unread([orderRef(resolvedKey(identity, seen))], seen)
  );
}

export function orderRef(orderKey: string): BookRef {
  return { kind: 'order', id: orderKey };
}

export function stateAt(orderKey: string, seen: Seen): OrderState | undefined {
  return bodyOf<OrderBody>(orderRef(orderKey), seen)?.state;
}

export function orderWrites(orderKey: string, state: OrderState, changed: boolean, seen: Seen): BookWrite[] {
  if (!changed) return [];
  const body: OrderBody = { ...viewOf(state), state };
  return [write(orderRef(orderKey), body as never, seen)];
}

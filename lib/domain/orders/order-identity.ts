/** How one order is called, joined from everything that named it. */
import type { OrderIdentity } from './order-report.ts';

/**
 * An id that is known beats one that is not. Should two known ones differ, the larger stays: a rule that asks neither
 * what came first nor what came last. The key is the one that the order was first found under. `api` beats `manual`,
 * which is only said where no id of a client is known.
 */
export function joinIdentity(known: OrderIdentity, told: OrderIdentity): OrderIdentity {
  const byTold =
    told.orderId !== known.orderId ? outranks(told.orderId, known.orderId) : told.clientId > known.clientId;
  return {
    orderKey: known.orderKey,
    permId: Math.max(known.permId, told.permId),
    clientId: byTold ? told.clientId : known.clientId,
    orderId: byTold ? told.orderId : known.orderId,
    orderRef: greaterText(told.orderRef, known.orderRef),
    origin: known.origin === 'api' || told.origin === 'api' ? 'api' : 'manual',
  };
}

export function sameIdentity(a: OrderIdentity, b: OrderIdentity): boolean {
  return (
    a.permId === b.permId &&
    a.clientId === b.clientId &&
    a.orderId === b.orderId &&
    a.orderRef === b.orderRef &&
    a.origin === b.origin
  );
}

export function identityOf(told: OrderIdentity): OrderIdentity {
  const { orderKey, permId, clientId, orderId, orderRef, origin } = told;
  return { orderKey, permId, clientId, orderId, orderRef, origin };
}

function greaterText(a: string, b: string): string {
  if (a > b) return a;
  return b;
}

/** An id of a client (positive) before one that TWS made (negative) before none (0). */
function outranks(a: number, b: number): boolean {
  if (a === 0 || b === 0) return a !== 0;
  return a > b;
}

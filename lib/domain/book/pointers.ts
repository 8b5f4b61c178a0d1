/**
 * Pointers from the ids that others use for an order to its key in the book: `PERM#` by permId, `REF#` by orderRef,
 * `API#` by API client and order id.
 */
import type { OrderIdentity } from '../orders/order-report.ts';
import { apiId, type BookRef, type BookWrite } from './item.ts';
import { bodyOf, type Seen, write } from './seen.ts';

/** Longer than anything that IB shows in full; a key of the table has an end too. Such an order has no `REF#` pointer. */
const orderRefLengthMax = 200;

/** Body of a `PERM#`, `REF#` or `API#` item. */
export type PointerBody = { readonly orderKey: string; readonly permId: number };

/** The pointers that an identity has a place for: an id that is not known yet has none. */
export function pointersOf({ permId, clientId, orderId, orderRef }: OrderIdentity): BookRef[] {
  const refs: BookRef[] = [];
  if (permId > 0) refs.push(permRef(permId));
  // Orders typed into TWS have the id 0 or a negative one, and completed orders none at all.
  if (orderId > 0) refs.push({ kind: 'api', id: apiId(clientId, orderId) });
  if (orderRef !== '' && orderRef.length <= orderRefLengthMax) refs.push({ kind: 'ref', id: orderRef });
  return refs;
}

/**
 * The key under which the book has this order. A permId that the book knows counts for more than the key in the event:
 * a key never changes, whoever names another one later.
 */
export function resolvedKey(identity: OrderIdentity, seen: Seen): string {
  if (identity.permId === 0) return identity.orderKey;
  return bodyOf<PointerBody>(permRef(identity.permId), seen)?.orderKey ?? identity.orderKey;
}

/** Writes of the pointers that do not say `orderKey` yet and should. */
export function pointerWrites(identity: OrderIdentity, orderKey: string, seen: Seen): BookWrite[] {
  const body: PointerBody = { orderKey, permId: identity.permId };
  return pointersOf(identity)
    .filter((ref) => outranks(body, bodyOf<PointerBody>(ref, seen)))
    .map((ref) => write(ref, body, seen));
}

/**
 * Order ids begin again when somebody resets them, and other programs use one reference for many orders. The pointer
 * then leads to the order with the highest permId: the latest one at IB. It is chosen by content and not by arrival, so
 * that the order of delivery does not matter. A permId has one order, so its pointer is written once.
 */
function outranks(body: PointerBody, stored: PointerBody | undefined): boolean {
  if (stored === undefined || body.permId > stored.permId) return true;
  return body.permId === stored.permId && body.orderKey > stored.orderKey;
}

function permRef(permId: number): BookRef {
  return { kind: 'perm', id: String(permId) };
}

import { type Contract, type Order, OrderAction, OrderType, TimeInForce } from '@stoqey/ib';
import type { Instrument } from '../lib/domain/market/instrument.ts';
import type { IntentLeg } from '../lib/domain/orders/intent.ts';
import type { OrderReport } from '../lib/domain/orders/order-report.ts';
import type { WishedLeg } from '../lib/domain/orders/order-wish.ts';
import { contractOf } from './contract-query.ts';

/** One call of placeOrder. */
export interface OrderToWrite {
  readonly orderId: number;
  readonly contract: Contract;
  readonly order: Order;
}

const orderTypes = {
  MKT: OrderType.MKT,
  LMT: OrderType.LMT,
  STP: OrderType.STP,
  'STP LMT': OrderType.STP_LMT,
};
const timesInForce = { DAY: TimeInForce.DAY, GTC: TimeInForce.GTC, IOC: TimeInForce.IOC };
/** One fills, the others are cancelled, and never two of them are at work at once. */
const OCA_CANCEL_WITH_BLOCK = 1;

/** The legs cannot be written as orders: a fault of the caller, nothing was sent. */
export class OrderWriteError extends Error {
  override readonly name = 'OrderWriteError';
  readonly code = 'ORDER_UNWRITABLE';
}

/**
 * The orders of an intent in the order in which they are written. Nothing of a bracket is transmitted before its last leg:
 * a parent that is filled while its stop is still on the way would be a naked position. Children live on after the day of
 * their parent.
 *
 * @throws OrderWriteError for children without a parent, a parent behind a child, or a number that does not survive
 */
export function ordersOf(
  account: string,
  instrument: Instrument,
  legs: readonly WishedLeg[],
  ids: readonly IntentLeg[],
): readonly OrderToWrite[] {
  const [parent] = legs;
  if (parent?.leg !== 'entry' || legs.filter(({ leg }) => leg === 'entry').length !== 1)
    throw new OrderWriteError(
      'ORDER_UNWRITABLE: the first leg must be the one entry; children go out behind it.',
    );
  const byLeg = new Map(ids.map((id) => [id.leg, id]));
  const parentId = idOf(byLeg, 'entry').orderId;
  return legs.map((leg, index) => {
    const { orderId, orderRef } = idOf(byLeg, leg.leg);
    const isChild = index > 0;
    if (isChild && orderId <= parentId)
      throw new OrderWriteError('ORDER_UNWRITABLE: a child must have a higher order id than its parent.');
    const order: Order = {
      account,
      orderRef,
      ...termsOf(leg),
      tif: isChild ? TimeInForce.GTC : timesInForce[leg.timeInForce],
      transmit: index === legs.length - 1,
      ...(isChild ? { parentId } : {}),
      ...(isChild ? { ocaGroup: `${orderRefOf(ids)}-oca`, ocaType: OCA_CANCEL_WITH_BLOCK } : {}),
    };
    return { orderId, contract: contractOf(instrument), order };
  });
}

/** Not one of ours: whoever looks for an order by its reference never finds a question. */
const WHAT_IF_REF = 'what-if';

/**
 * A leg as a question, which IB answers and does not place. It stands alone, and is transmitted: one that is not stays in
 * the gateway without an answer.
 *
 * @throws OrderWriteError for a number that does not survive
 */
export function whatIfOrder(
  account: string,
  instrument: Instrument,
  leg: WishedLeg,
  orderId: number,
): OrderToWrite {
  const order: Order = { account, orderRef: WHAT_IF_REF, ...termsOf(leg), whatIf: true, transmit: true };
  return { orderId, contract: contractOf(instrument), order };
}

/**
 * An order of ours as it is with some terms changed: written whole, from what we were told in text. What the gateway's
 * library has decoded is never sent back.
 *
 * @throws OrderWriteError for terms that this program does not place
 */
export function changedOrder(
  account: string,
  instrument: Instrument,
  { orderId, orderRef, terms }: Pick<OrderReport, 'orderId' | 'orderRef' | 'terms'>,
  leg: WishedLeg,
): OrderToWrite {
  const order: Order = {
    account,
    orderRef,
    ...termsOf(leg),
    transmit: true,
    ...(terms.parentId === 0 ? {} : { parentId: terms.parentId }),
    ...(terms.ocaGroup === '' ? {} : { ocaGroup: terms.ocaGroup, ocaType: terms.ocaType }),
  };
  return { orderId, contract: contractOf(instrument), order };
}

/** What a leg says of its order, whatever stands beside it. */
function termsOf(leg: WishedLeg): Order {
  return {
    action: leg.action === 'BUY' ? OrderAction.BUY : OrderAction.SELL,
    orderType: orderTypes[leg.orderType],
    totalQuantity: exact(leg.quantity),
    tif: timesInForce[leg.timeInForce],
    outsideRth: leg.outsideRth,
    ...(leg.limitPrice === null ? {} : { lmtPrice: exact(leg.limitPrice) }),
    ...(leg.stopPrice === null ? {} : { auxPrice: exact(leg.stopPrice) }),
  };
}

/** The reference of the entry names the group of its children: unique at the broker as the entry is. */
function orderRefOf(ids: readonly IntentLeg[]): string {
  return ids.find(({ leg }) => leg === 'entry')?.orderRef ?? '';
}

function idOf(byLeg: ReadonlyMap<string, IntentLeg>, leg: string): IntentLeg {
  const id = byLeg.get(leg);
  if (id === undefined) throw new OrderWriteError(`ORDER_UNWRITABLE: the leg ${leg} has no order id.`);
  return id;
}

/** @stoqey/ib writes numbers as JavaScript does: `1e-7` and digits beyond a double's would go out as they are. */
function exact(text: string): number {
  const value = Number(text);
  const written = String(value);
  if (text === '' || !Number.isFinite(value) || written.includes('e') || !sameDecimal(written, text))
    throw new OrderWriteError(
      `ORDER_UNWRITABLE: the number ${text} cannot be written to the gateway as it is.`,
    );
  return value;
}

function sameDecimal(a: string, b: string): boolean {
  return plain(a) === plain(b);
}

/** `2600.10` to `2600.1`, `+5` and `005` to `5`. */
function plain(text: string): string {
  const [, sign = '', whole = '', rest = ''] = /^([+-]?)0*(\d*)(?:\.(\d*))?$/.exec(text) ?? [];
  const fraction = rest.replace(/0+$/, '');
  const digits = `${whole === '' ? '0' : whole}${fraction === '' ? '' : `.${fraction}`}`;
  return sign === '-' && digits !== '0' ? `-${digits}` : digits;
}

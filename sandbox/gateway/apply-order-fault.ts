/** Applies a fault of the order side now. Returns what is wrong when there is nothing that it could act on. */

import { lastPrice } from './broker/exchange.ts';
import { remaining } from './broker/matching.ts';
import { decimal } from './broker/money.ts';
import type { BrokerOrder } from './broker/types.ts';
import type { GatewayCore } from './core.ts';
import type { OrderFault } from './order-faults.ts';

type Which = Omit<Extract<OrderFault, { type: 'expire' }>, 'type'>;

export function applyOrderFault(core: GatewayCore, fault: OrderFault): string | undefined {
  const { orders } = core;
  const { broker } = orders;
  switch (fault.type) {
    case 'correct':
      return orders.correct(fault.execId, fault) === undefined ? noExecution(fault.execId) : undefined;
    case 'bust':
      return orders.correct(fault.execId, { quantity: '0' }) === undefined
        ? noExecution(fault.execId)
        : undefined;
    case 'reject-order': {
      const { code, text, permId } = fault;
      for (let index = 0; index < fault.count; index += 1)
        broker.prepared.rejections.push({ code, text, permId });
      return undefined;
    }
    case 'overfill':
      for (let index = 0; index < fault.count; index += 1) broker.prepared.overfills.push(decimal(fault.by));
      return undefined;
    case 'margin':
      broker.marginFactor = decimal(fault.factor);
      return undefined;
    case 'order-id-rollback':
      orders.rollback = fault.by;
      return undefined;
    case 'order-pacing':
      orders.pacing = fault.requests;
      return undefined;
    case 'signal':
      orders.armSignal(fault);
      return undefined;
    case 'liquidation': {
      const accounts = fault.account === undefined ? core.accounts : [fault.account];
      const closed = accounts.map((account) => broker.liquidate(account, fault.symbol));
      return closed.includes(true) ? undefined : 'there is no such position, or no price for it yet';
    }
    case 'fill': {
      const order = find(core, fault);
      if (order === undefined) return noOrder;
      const price = fault.price === undefined ? lastPrice(order.instrument) : decimal(fault.price);
      if (price === undefined) return 'there is no price yet; say one';
      broker.fill(order, fault.quantity === undefined ? remaining(order) : decimal(fault.quantity), price);
      return undefined;
    }
    case 'expire': {
      const one = find(core, fault);
      const all = broker.orders.open().filter(({ terms }) => terms.timeInForce === 'GTC');
      const expired = named(fault) ? (one === undefined || one.stage === 'done' ? [] : [one]) : all;
      for (const order of expired) broker.expire(order);
      return expired.length === 0 ? noOrder : undefined;
    }
    default:
      orders.prepared.add(fault);
      return undefined;
  }
}

const noOrder = 'there is no such order';
const noExecution = (execId = 'yet') => `there is no execution ${execId}`;

const named = ({ permId, orderRef, orderId }: Which) =>
  permId !== undefined || orderRef !== undefined || orderId !== undefined;

/** The order that a fault names; without a name the one that was sent last. */
function find(core: GatewayCore, which: Which): BrokerOrder | undefined {
  return core.orders.broker.orders
    .sent()
    .findLast(
      (order) =>
        (which.permId ?? order.permId) === order.permId &&
        (which.orderRef ?? order.terms.orderRef) === order.terms.orderRef &&
        (which.clientId ?? order.clientId) === order.clientId &&
        (which.orderId ?? order.orderId) === order.orderId,
    );
}

/** Whether and where an order would trade at a price. Pure but for the marks a stop leaves on its order. */
import { type Decimal, decimal } from './money.ts';
import type { BrokerOrder, OrderTerms, OrderType } from './types.ts';

const stops: readonly OrderType[] = ['STP', 'STP LMT', 'TRAIL', 'TRAIL LIMIT'];
export const isStop = (type: OrderType) => stops.includes(type);
const isTrailing = (type: OrderType) => type === 'TRAIL' || type === 'TRAIL LIMIT';

const isBuy = ({ terms }: BrokerOrder) => terms.action === 'BUY';

/** Takes in a traded price: trailing stops follow it, stops are triggered by it. True when one was triggered now. */
export function trigger(order: BrokerOrder, price: Decimal): boolean {
  if (!isStop(order.terms.orderType) || order.triggered) return false;
  const stop = isTrailing(order.terms.orderType) ? trail(order, price) : decimal(order.terms.auxPrice);
  order.triggered = isBuy(order) ? price.gte(stop) : price.lte(stop);
  return order.triggered;
}

/** Moves a trailing stop with the market, never against it; returns where it stands. */
function trail(order: BrokerOrder, price: Decimal): Decimal {
  const { auxPrice, trailingPercent } = order.terms;
  const distance = trailingPercent === '' ? decimal(auxPrice) : price.times(trailingPercent).div(100);
  const fresh = isBuy(order) ? price.plus(distance) : price.minus(distance);
  const held = order.trailStop;
  const moves = held === undefined || (isBuy(order) ? fresh.lt(held) : fresh.gt(held));
  order.trailStop = moves ? fresh : held;
  return order.trailStop;
}

/** Whether the order would take `price` now; stops only once triggered. */
export function takes(order: BrokerOrder, price: Decimal): boolean {
  if (isStop(order.terms.orderType) && !order.triggered) return false;
  const limit = limitOf(order);
  if (limit === undefined) return true;
  return isBuy(order) ? price.lte(limit) : price.gte(limit);
}

/** The limit that holds now, undefined for what trades at the market. */
export function limitOf(order: BrokerOrder): Decimal | undefined {
  const { orderType, limitPrice, limitOffset } = order.terms;
  if (orderType === 'LMT' || orderType === 'STP LMT') return decimal(limitPrice);
  if (orderType !== 'TRAIL LIMIT' || order.trailStop === undefined) return undefined;
  if (limitOffset === '') return decimal(limitPrice);
  return isBuy(order) ? order.trailStop.plus(limitOffset) : order.trailStop.minus(limitOffset);
}

/** Quantity of a print or quote that may be taken: its share, rounded up to whole units. */
export function available(size: string, share: number | 'all'): Decimal | undefined {
  return share === 'all' ? undefined : decimal(size).times(share).ceil();
}

export const remaining = (order: BrokerOrder): Decimal => decimal(order.terms.quantity).minus(order.filled);

/** What may not change when an order is placed again: everything but these. */
const changeable: readonly (keyof OrderTerms)[] = [
  'quantity',
  'limitPrice',
  'auxPrice',
  'trailStopPrice',
  'trailingPercent',
  'limitOffset',
  'timeInForce',
  'goodTillDate',
  'goodTillMs',
  'outsideRth',
];

/** The first term that differs and may not. */
export function forbiddenChange(from: OrderTerms, to: OrderTerms): string | undefined {
  // A child's group was made by the broker, so a client that repeats what it sent does not change it.
  const same = (name: keyof OrderTerms) =>
    from[name] === to[name] || ((name === 'ocaGroup' || name === 'ocaType') && !to[name]);
  return (Object.keys(to) as (keyof OrderTerms)[]).find((name) => !changeable.includes(name) && !same(name));
}

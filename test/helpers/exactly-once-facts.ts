/** What the simulated broker has, as the streamer reads it off the wire. */
import type {
  BrokerFact,
  BrokerTerms,
  CompletedOrderFact,
  OpenOrderFact,
  OrderStatusFact,
  PositionFact,
} from '../../lib/domain/orders/broker-facts.ts';
import type { TradedContract } from '../../lib/domain/orders/contract.ts';
import { remaining } from '../../sandbox/gateway/broker/matching.ts';
import { type Decimal, rounded } from '../../sandbox/gateway/broker/money.ts';
import type { BrokerOrder, Execution, Instrument } from '../../sandbox/gateway/broker/types.ts';

type Order = Readonly<BrokerOrder>;

export function openFact(order: Order): OpenOrderFact {
  const { account, orderId, clientId, permId, terms, instrument, status } = order;
  return {
    kind: 'open-order',
    account,
    orderId,
    clientId,
    permId,
    orderRef: terms.orderRef,
    contract: contractOf(instrument),
    terms: termsOf(order),
    transmit: true,
    status,
    warning: '',
  };
}

export function statusFact(order: Order): OrderStatusFact {
  const { orderId, clientId, permId, parent, status, filled, whyHeld } = order;
  return {
    kind: 'order-status',
    orderId,
    clientId,
    permId,
    parentId: parent?.orderId ?? 0,
    status,
    filled: filled.toFixed(),
    remaining: remaining(order).toFixed(),
    averageFillPrice: filled.isZero() ? '0' : order.filledValue.div(filled).toFixed(),
    whyHeld,
  };
}

export function completedFact(order: Order): CompletedOrderFact {
  const { account, permId, parent, terms, instrument, status, filled } = order;
  return {
    kind: 'completed-order',
    account,
    permId,
    parentPermId: parent?.permId ?? 0,
    orderRef: terms.orderRef,
    contract: contractOf(instrument),
    // A filled order has no quantity left to say.
    terms: { ...termsOf(order), ...(status === 'Filled' ? { quantity: '0' } : {}) },
    status,
    filled: filled.toFixed(),
    completedStatus: order.completedStatus,
    completedAtMs: order.completedMs,
  };
}

/** With what it cost. */
export function executionFacts(execution: Execution): BrokerFact[] {
  const { order, execId, timeMs, exchange, quantity, price } = execution;
  return [
    {
      kind: 'execution',
      account: order.account,
      orderId: order.orderId,
      clientId: order.clientId,
      permId: order.permId,
      orderRef: order.terms.orderRef,
      contract: contractOf(order.instrument),
      execId,
      // On the wire it is cut to whole seconds.
      timeMs: Math.floor(timeMs / 1_000) * 1_000,
      side: order.terms.action,
      quantity: quantity.toFixed(),
      price: price.toFixed(),
      exchange,
      liquidation: false,
      liquidity: 1,
      cumulativeQuantity: execution.cumulativeQuantity.toFixed(),
      averagePrice: execution.averagePrice.toFixed(),
    },
    {
      kind: 'commission',
      execId,
      commission: execution.commission.toFixed(),
      currency: 'USD',
      realizedPnl: execution.realizedPnl === undefined ? null : rounded(execution.realizedPnl),
    },
  ];
}

export function positionFact(holding: {
  readonly account: string;
  readonly instrument: Instrument;
  readonly position: { toFixed(): string };
  readonly averageCost: Decimal;
}): PositionFact {
  return {
    kind: 'position',
    account: holding.account,
    contract: contractOf(holding.instrument),
    position: holding.position.toFixed(),
    averageCost: rounded(holding.averageCost),
  };
}

function contractOf({ contract }: Instrument): TradedContract {
  const { conId, symbol, secType, localSymbol, exchange, currency, multiplier, tradingClass } = contract;
  return {
    conId,
    symbol,
    secType,
    localSymbol,
    exchange,
    currency,
    multiplier,
    lastTradeDate: contract.expiry ?? '',
    strike: '0',
    right: '',
    tradingClass,
  };
}

function termsOf({ terms, parent }: Order): BrokerTerms {
  return {
    action: terms.action,
    quantity: terms.quantity,
    orderType: terms.orderType,
    limitPrice: terms.limitPrice || null,
    stopPrice: terms.auxPrice || null,
    trailingPercent: null,
    trailStopPrice: null,
    timeInForce: terms.timeInForce,
    goodTillDate: '',
    outsideRth: terms.outsideRth,
    ocaGroup: terms.ocaGroup,
    ocaType: terms.ocaType,
    parentId: parent?.orderId ?? 0,
  };
}

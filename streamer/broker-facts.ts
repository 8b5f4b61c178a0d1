import type { CommissionReport, Contract, Execution, Order, OrderState } from '@stoqey/ib';
import type {
  AccountValueFact,
  BrokerTerms,
  CommissionFact,
  CompletedOrderFact,
  ExecutionFact,
  OpenOrderFact,
  OrderStatusFact,
  PositionFact,
} from '../lib/domain/orders/broker-facts.ts';
import type { TradedContract } from '../lib/domain/orders/contract.ts';
import type { Side } from '../lib/domain/orders/order-report.ts';
import {
  BrokerMessageError,
  brokerTimeMs,
  decimalText,
  idOf,
  isQuantity,
  noNaN,
  quantityText,
} from './broker-facts-values.ts';
import type { WhatIfState } from './what-if-desk.ts';

/**
 * What @stoqey/ib hands over of orders, executions, positions and cash, as facts of the domain. Its objects are never
 * sent back: empty multipliers have become 0, prices have become doubles, and some fields are left out.
 */

/** Undefined for the answer to a what-if question: no order stands behind it. */
export function openOrderFact(
  orderId: number,
  contract: Contract,
  order: Order,
  state: OrderState,
): OpenOrderFact | undefined {
  if (order.whatIf === true) return undefined;
  noNaN('an open order', orderId, order.clientId, order.permId);
  return {
    kind: 'open-order',
    account: order.account ?? '',
    orderId: idOf(orderId),
    clientId: idOf(order.clientId),
    permId: idOf(order.permId),
    orderRef: order.orderRef ?? '',
    contract: tradedContract(contract),
    terms: termsOf(order, contract),
    // The wire does not say it (`tws-wire`, openOrder): what is listed counts as sent.
    transmit: order.transmit ?? true,
    status: state.status ?? '',
    warning: state.warningText ?? '',
  };
}

/** The answer to a what-if question; sentinels and what is no number are null. */
export function whatIfState(orderId: number, { clientId }: Order, state: OrderState): WhatIfState {
  return {
    orderId,
    clientId: idOf(clientId),
    status: state.status ?? '',
    warning: state.warningText ?? '',
    initMarginAfter: decimalText(state.initMarginAfter),
    maintMarginAfter: decimalText(state.maintMarginAfter),
    equityWithLoanAfter: decimalText(state.equityWithLoanAfter),
  };
}

export function orderStatusFact(
  orderId: number,
  status: string,
  filled: number | undefined,
  remaining: number | undefined,
  averageFillPrice: number | undefined,
  permId: number | undefined,
  parentId: number | undefined,
  _lastFillPrice: number | undefined,
  clientId: number | undefined,
  whyHeld: string | undefined,
): OrderStatusFact {
  noNaN('the status of an order', orderId, clientId, permId, filled, remaining, averageFillPrice);
  return {
    kind: 'order-status',
    orderId: idOf(orderId),
    clientId: idOf(clientId),
    permId: idOf(permId),
    parentId: idOf(parentId),
    status,
    filled: quantityText(filled),
    remaining: quantityText(remaining),
    averageFillPrice: decimalText(averageFillPrice) ?? '0',
    whyHeld: whyHeld ?? '',
  };
}

/** @throws BrokerMessageError where execId, side, price or time cannot be read */
export function executionFact(contract: Contract, execution: Execution, timeZone: string): ExecutionFact {
  const { execId = '', time } = execution;
  const price = decimalText(execution.price);
  const timeMs = brokerTimeMs(time, timeZone);
  if (execId === '') throw new BrokerMessageError('an execution has no execId');
  const { shares, cumQty, avgPrice, orderId, clientId, permId } = execution;
  noNaN(`execution ${execId}`, shares, cumQty, avgPrice, orderId, clientId, permId);
  // A quantity that is left out must not be taken for a bust.
  if (!isQuantity(shares)) throw new BrokerMessageError(`execution ${execId} has no quantity`);
  if (price === null) throw new BrokerMessageError(`execution ${execId} has no price`);
  if (timeMs === null) throw new BrokerMessageError(`execution ${execId} has the time "${time}"`);
  return {
    kind: 'execution',
    account: execution.acctNumber ?? '',
    orderId: idOf(execution.orderId),
    clientId: idOf(execution.clientId),
    permId: idOf(execution.permId),
    orderRef: execution.orderRef ?? '',
    contract: tradedContract(contract),
    execId,
    timeMs,
    side: sideOf(execution.side, `execution ${execId}`),
    quantity: quantityText(execution.shares),
    price,
    exchange: execution.exchange ?? '',
    liquidation: idOf(execution.liquidation) !== 0,
    liquidity: Math.max(0, idOf(Number(execution.lastLiquidity ?? 0))),
    cumulativeQuantity: quantityText(execution.cumQty),
    averagePrice: decimalText(execution.avgPrice) ?? '0',
  };
}

/** @throws BrokerMessageError where it names no execution, or its amount cannot be read */
export function commissionFact(report: CommissionReport): CommissionFact {
  const { execId = '' } = report;
  if (execId === '') throw new BrokerMessageError('a commission has no execId');
  noNaN('a commission', report.commission);
  const commission = decimalText(report.commission);
  const currency = report.currency ?? '';
  return {
    kind: 'commission',
    execId,
    // -1 is the sentinel of some gateways (`ib-facts` 28); a rebate of exactly one has not been seen.
    commission: commission === '-1' || currency === '' ? null : commission,
    currency,
    realizedPnl: decimalText(report.realizedPNL),
  };
}

export function completedOrderFact(
  contract: Contract,
  order: Order,
  state: OrderState,
  timeZone: string,
): CompletedOrderFact {
  noNaN('a completed order', order.permId, order.filledQuantity);
  return {
    kind: 'completed-order',
    account: order.account ?? '',
    permId: idOf(order.permId),
    parentPermId: idOf(order.parentPermId),
    orderRef: order.orderRef ?? '',
    contract: tradedContract(contract),
    terms: termsOf(order, contract),
    status: state.status ?? '',
    filled: quantityText(order.filledQuantity),
    completedStatus: state.completedStatus ?? '',
    completedAtMs: brokerTimeMs(state.completedTime, timeZone),
  };
}

export function positionFact(
  account: string,
  contract: Contract,
  position: number | undefined,
  averageCost: number | undefined,
): PositionFact {
  noNaN('a position', averageCost);
  const held = decimalText(position);
  // A position that was not understood must not be taken for none.
  if (held === null) throw new BrokerMessageError(`a position in ${contract.localSymbol} has no size`);
  return {
    kind: 'position',
    account,
    contract: tradedContract(contract),
    position: held,
    averageCost: decimalText(averageCost) ?? '0',
  };
}

export function accountValueFact(
  key: string,
  value: string,
  currency: string,
  account: string,
): AccountValueFact {
  return { kind: 'account-value', account, key, value, currency };
}

export function tradedContract(contract: Contract): TradedContract {
  noNaN('a contract', contract.conId, contract.strike);
  const multiplier = decimalText(Number(contract.multiplier ?? 0));
  return {
    conId: Math.max(0, idOf(contract.conId)),
    symbol: contract.symbol ?? '',
    secType: contract.secType ?? '',
    localSymbol: contract.localSymbol ?? '',
    exchange: contract.exchange ?? '',
    currency: contract.currency ?? '',
    // An empty one has become 0 in @stoqey/ib.
    multiplier: multiplier === null || Number(multiplier) <= 0 ? '1' : multiplier,
    lastTradeDate: contract.lastTradeDateOrContractMonth ?? '',
    strike: quantityText(contract.strike),
    right: rightOf(contract.right),
    tradingClass: contract.tradingClass ?? '',
  };
}

/** Older gateways write the whole word; `?` and `0` mean none. */
function rightOf(right: string | undefined): string {
  const letter = right?.[0] ?? '';
  return letter === 'C' || letter === 'P' ? letter : '';
}

function termsOf(order: Order, contract: Contract): BrokerTerms {
  noNaN('an order', order.totalQuantity, order.lmtPrice, order.auxPrice, order.parentId);
  const orderType = order.orderType || 'None';
  const combo = contract.secType === 'BAG';
  const limited = /LMT|LIT|LOC|LOO|REL|PEG|MIDPRICE|^LIMIT/.test(orderType);
  return {
    action: sideOf(order.action, 'an order'),
    quantity: quantityText(order.totalQuantity),
    orderType,
    limitPrice: price(order.lmtPrice, limited || combo),
    stopPrice: price(order.auxPrice, combo),
    trailingPercent: price(order.trailingPercent, false),
    trailStopPrice: price(order.trailStopPrice, false),
    timeInForce: order.tif ?? '',
    goodTillDate: order.goodTillDate ?? '',
    outsideRth: order.outsideRth === true,
    ocaGroup: order.ocaGroup ?? '',
    ocaType: Math.max(0, idOf(order.ocaType)),
    parentId: idOf(order.parentId),
  };
}

/** IB writes 0.0 for a price that the order does not have; combinations and spreads may really have one of 0. */
function price(value: number | undefined, zeroCounts: boolean): string | null {
  const text = decimalText(value);
  return text === '0' && !zeroCounts ? null : text;
}

const sides: Readonly<Record<string, Side>> = {
  BUY: 'BUY',
  BOT: 'BUY',
  SELL: 'SELL',
  SLD: 'SELL',
  SSHORT: 'SELL',
  SSELL: 'SELL',
};

function sideOf(word: string | undefined, of: string): Side {
  const side = sides[word ?? ''];
  if (side === undefined) throw new BrokerMessageError(`${of} has the side "${word}"`);
  return side;
}

/** The order side's messages: orders, executions and commissions of the broker as IB writes them. */

import { remaining } from './broker/matching.ts';
import { type Decimal, rounded } from './broker/money.ts';
import type { BrokerOrder, Execution, Instrument } from './broker/types.ts';
import type { WireContract } from './encode-account.ts';
import * as encode from './encode-orders.ts';
import { zonedText } from './history-text.ts';
import type { OrderFields } from './order-layout.ts';

/** IB's word for "no value" of a decimal. */
const none = '1.7976931348623157E308';
/** What IB writes for a commission that it does not know. */
const sentinels = { sentinel: none, 'minus-one': '-1.0' } as const;
/** What a parentless completed order has as its parent's permId. */
const noParent = '9223372036854775807';

export function wireContract({ contract }: Instrument, asked: Partial<WireContract> = {}): WireContract {
  const { conId, symbol, secType, currency, localSymbol, tradingClass, multiplier, exchange } = contract;
  const strike = '0.0';
  const known = { conId, symbol, secType, currency, localSymbol, tradingClass, multiplier, exchange, strike };
  return { ...known, expiry: contract.expiry ?? '', right: '', ...asked };
}

const orderContract = ({ instrument, exchange }: Readonly<BrokerOrder>) =>
  wireContract(instrument, {
    strike: '0',
    right: '?',
    exchange: exchange || instrument.contract.exchange,
  });

/** `1.0`, as IB writes money that comes out even. */
const money = (value: Decimal) => {
  const text = rounded(value, 8);
  return text.includes('.') ? text : `${text}.0`;
};

type Order = Readonly<BrokerOrder>;

function commonFields({ terms, account, permId, trailStop }: Order) {
  return {
    action: terms.action,
    totalQuantity: terms.quantity,
    orderType: terms.orderType,
    limitPrice: terms.limitPrice || '0.0',
    auxPrice: terms.auxPrice || '0.0',
    tif: terms.timeInForce,
    ocaGroup: terms.ocaGroup,
    account,
    orderRef: terms.orderRef,
    permId,
    outsideRth: terms.outsideRth ? 1 : 0,
    goodTillDate: terms.goodTillDate,
    ocaType: terms.ocaType || 3,
    trailingPercent: terms.trailingPercent,
    // As recorded of plain paper orders.
    cashQty: '0',
    dontUseAutoPriceForHedge: 1,
    trailStopPrice: trailStop === undefined ? terms.trailStopPrice : rounded(trailStop),
  };
}

/** The answer to a what-if question. Without figures IB has not reckoned yet. */
export function whatIfAnswer(serverVersion: number, order: Order, figures: OrderFields): string {
  const { instrument, orderId, clientId, permId } = order;
  return encode.openOrder(serverVersion, {
    orderId,
    contract: orderContract(order),
    order: {
      ...commonFields(order),
      clientId,
      sharesAllocation: `${permId}.0/${order.account}/${order.terms.quantity}`,
      parentId: order.parent?.orderId ?? 0,
      status: 'PreSubmitted',
      duration: '',
      whatIf: 1,
      ...(figures.commission === undefined ? {} : { commissionCurrency: instrument.contract.currency }),
      ...figures,
    },
  });
}

/** `asSaid` overrides what a fault makes of the order's permId and status. */
export function openOrder(
  serverVersion: number,
  order: Order,
  how: { readonly commission?: boolean; readonly permId?: number; readonly status?: string } = {},
): string {
  const fields = commonFields(order);
  const permId = how.permId ?? order.permId;
  const trailing = fields.trailStopPrice === '' ? {} : { adjustedTrailStopPrice: fields.trailStopPrice };
  const offset = order.terms.limitOffset === '' ? {} : { limitPriceOffset: order.terms.limitOffset };
  const paid =
    how.commission === true
      ? { commission: money(order.commission), commissionCurrency: order.instrument.contract.currency }
      : {};
  return encode.openOrder(serverVersion, {
    orderId: order.orderId,
    contract: orderContract(order),
    order: {
      ...fields,
      ...trailing,
      ...offset,
      ...paid,
      clientId: order.clientId,
      permId,
      sharesAllocation: `${permId}.0/${order.account}/${order.terms.quantity}`,
      parentId: order.parent?.orderId ?? 0,
      status: how.status ?? order.status,
      duration: '',
    },
  });
}

export function orderStatus(
  order: Order,
  how: { readonly permId?: number; readonly status?: string } = {},
): string {
  const left = remaining(order);
  return encode.orderStatus({
    orderId: order.orderId,
    status: how.status ?? order.status,
    filled: order.filled.toFixed(),
    remaining: left.isNeg() ? '0' : left.toFixed(),
    averageFillPrice: order.filled.isZero() ? '0' : rounded(order.filledValue.div(order.filled)),
    permId: how.permId ?? order.permId,
    parentId: order.parent?.orderId ?? 0,
    lastFillPrice: order.lastFillPrice,
    clientId: order.clientId,
    whyHeld: order.whyHeld,
    marketCapPrice: '0',
  });
}

/** `id` is -1 when nobody asked; `price` differs from the execution's only by a fault. */
export function executionDetails(
  serverVersion: number,
  id: number,
  execution: Execution,
  timeZone: string,
  price = execution.price,
): string {
  const { order } = execution;
  return encode.execution(serverVersion, {
    id,
    orderId: order.orderId,
    contract: wireContract(order.instrument, { exchange: execution.exchange }),
    execId: execution.execId,
    time: zonedText(execution.timeMs, timeZone, serverVersion),
    account: order.account,
    exchange: execution.exchange,
    side: order.terms.action === 'BUY' ? 'BOT' : 'SLD',
    shares: execution.quantity.toFixed(),
    price: price.toFixed(),
    permId: order.permId,
    clientId: order.clientId,
    liquidation: order.liquidation ? 1 : 0,
    cumulativeQuantity: execution.cumulativeQuantity.toFixed(),
    averagePrice: rounded(execution.averagePrice),
    orderRef: order.terms.orderRef,
    evRule: '',
    evMultiplier: '',
    modelCode: '',
    lastLiquidity: execution.liquidity,
    pendingPriceRevision: 0,
  });
}

/** `sentinel` takes the place of a commission that IB does not know. */
export const commissionReport = (execution: Execution, sentinel?: 'sentinel' | 'minus-one'): string =>
  encode.commissionReport({
    execId: execution.execId,
    commission: sentinel === undefined ? money(execution.commission) : sentinels[sentinel],
    currency: execution.order.instrument.contract.currency,
    realizedPnl:
      execution.realizedPnl === undefined || sentinel !== undefined
        ? none
        : rounded(execution.realizedPnl, 8),
    yield: none,
    yieldRedemptionDate: '',
  });

export function completedOrder(serverVersion: number, order: Order, timeZone: string): string {
  const filled = order.status === 'Filled';
  return encode.completedOrder(serverVersion, {
    contract: orderContract(order),
    order: {
      ...commonFields(order),
      // A filled order has no quantity left to say; IB says it as filledQuantity.
      totalQuantity: filled ? '0' : order.terms.quantity,
      status: order.status,
      filledQuantity: order.filled.toFixed(),
      shareholder: 'Not an insider or substantial shareholder',
      parentPermId: order.parent?.permId ?? noParent,
      completedTime: zonedText(order.completedMs, timeZone, 174),
      completedStatus: order.completedStatus,
    },
  });
}

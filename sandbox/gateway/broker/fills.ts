/** What a fill and a correction do to an order, the ledger and the portfolio. */
import { type ExecutionLedger, execIdOf } from './ledger.ts';
import { isStop, remaining } from './matching.ts';
import { type Decimal, decimal } from './money.ts';
import type { Portfolio } from './portfolio.ts';
import type { BrokerOptions, BrokerOrder, Execution } from './types.ts';

export interface FillInput {
  readonly quantity: Decimal;
  readonly price: Decimal;
  readonly tapeMs: number;
  readonly options: BrokerOptions;
}

/** Makes one execution of an order. An order that has its quantity is filled, also when it was cancelled before. */
export function fillOrder(
  order: BrokerOrder,
  { quantity, price, tapeMs, options }: FillInput,
  ledger: ExecutionLedger,
  portfolio: Portfolio,
): Execution {
  order.filled = order.filled.plus(quantity);
  order.filledValue = order.filledValue.plus(quantity.times(price));
  order.lastFillPrice = price.toFixed();
  const commission = commissionOf(order, quantity, options);
  order.commission = order.commission.plus(commission);
  if (remaining(order).lte(0)) {
    order.stage = 'done';
    order.status = 'Filled';
    order.whyHeld = '';
    order.reason = undefined;
    order.completedMs = tapeMs;
    order.completedStatus = `Filled Size: ${order.filled.toFixed()}`;
  } else if (order.status === 'PreSubmitted') {
    order.status = 'Submitted';
  }
  const base = ledger.nextBase();
  const { contract } = order.instrument;
  const happened = {
    execId: execIdOf(base, 1),
    base,
    revision: 1,
    order: { ...order },
    timeMs: tapeMs,
    exchange: contract.exchange === 'SMART' ? contract.primaryExchange : contract.exchange,
    quantity,
    price,
    cumulativeQuantity: order.filled,
    averagePrice: order.filledValue.div(order.filled),
    liquidity: order.terms.orderType === 'MKT' || isStop(order.terms.orderType) ? 2 : 1,
    commission,
  };
  const execution: Execution = { ...happened, realizedPnl: portfolio.apply(happened) };
  ledger.add(execution);
  return execution;
}

/** Enters a correction: the next revision of an execution. Quantity 0 busts it. */
export function correctExecution(
  order: BrokerOrder,
  former: Execution,
  to: { readonly quantity: Decimal; readonly price: Decimal },
  ledger: ExecutionLedger,
  portfolio: Portfolio,
): Execution {
  const revision = former.revision + 1;
  const commission = former.quantity.isZero()
    ? former.commission
    : former.commission.times(to.quantity).div(former.quantity).toDecimalPlaces(4);
  const entered: Execution = {
    ...former,
    ...to,
    execId: execIdOf(former.base, revision),
    revision,
    commission,
    realizedPnl: undefined,
  };
  ledger.add(entered);
  const { filled, value } = ledger.sums(order.permId);
  order.filled = filled;
  order.filledValue = value;
  order.commission = order.commission.minus(former.commission).plus(commission);
  if (order.status === 'Filled') order.completedStatus = `Filled Size: ${filled.toFixed()}`;
  const standing = ledger.standingOf(order.account, order.instrument);
  const realizedPnl = portfolio.rebuild(order.account, order.instrument, standing, entered.execId);
  const averagePrice = filled.isZero() ? filled : value.div(filled);
  Object.assign(entered, {
    realizedPnl,
    cumulativeQuantity: filled,
    averagePrice,
    order: { ...order },
  });
  return entered;
}

/** Per contract, or per share with a minimum for each order, charged with its first execution. */
export function commissionOf(
  order: Readonly<BrokerOrder>,
  quantity: Decimal,
  { commission }: BrokerOptions,
): Decimal {
  if (order.instrument.contract.secType !== 'STK') return quantity.times(commission.perContract);
  const due = order.filled.times(commission.perShare);
  const minimum = decimal(commission.shareMinimum);
  return (due.gt(minimum) ? due : minimum).minus(order.commission);
}

/** The open orders of an order's group: one account, one name. */
export function ocaPartners(order: BrokerOrder, open: readonly BrokerOrder[]): BrokerOrder[] {
  const { ocaGroup } = order.terms;
  return open.filter(
    (other) => other !== order && other.account === order.account && other.terms.ocaGroup === ocaGroup,
  );
}

/** The broker's own record, as `GET /broker` shows it: the truth that a book must equal. Decimals are text. */
import type { Broker } from './broker.ts';
import { cents, rounded } from './money.ts';

export interface OrderRecord {
  readonly permId: number;
  readonly clientId: number;
  /** 0 or negative for orders typed into TWS. */
  readonly orderId: number;
  readonly account: string;
  readonly orderRef: string;
  readonly origin: 'api' | 'manual';
  /** 0 for none. */
  readonly parentPermId: number;
  readonly conId: number;
  readonly localSymbol: string;
  readonly action: string;
  readonly quantity: string;
  readonly orderType: string;
  readonly limitPrice: string | null;
  /** Stop price or trailing amount. */
  readonly stopPrice: string | null;
  readonly timeInForce: string;
  readonly ocaGroup: string;
  /** IB's word; an order that is held in the gateway is not in the record. */
  readonly status: string;
  /** Sum of the executions that stand. */
  readonly filled: string;
  readonly averageFillPrice: string | null;
  /** Code and words of a refusal or a cancellation. */
  readonly reason: { readonly code: number; readonly text: string } | null;
  readonly completedStatus: string;
  /** The executions that stand, by execId. */
  readonly executions: readonly string[];
}

export interface ExecutionRecord {
  readonly execId: string;
  readonly execBase: string;
  readonly revision: number;
  /** A later revision replaced it. */
  readonly superseded: boolean;
  readonly permId: number;
  readonly clientId: number;
  readonly orderId: number;
  readonly account: string;
  readonly orderRef: string;
  readonly conId: number;
  readonly action: string;
  readonly quantity: string;
  readonly price: string;
  readonly timeMs: number;
  readonly liquidation: boolean;
  readonly commission: string;
  readonly currency: string;
  readonly realizedPnl: string | null;
}

export interface PositionRecord {
  readonly account: string;
  readonly conId: number;
  readonly localSymbol: string;
  readonly secType: string;
  readonly multiplier: string;
  readonly currency: string;
  readonly position: string;
  /** As IB says it: price × multiplier, commission included, for futures; per share for stocks. */
  readonly averageCost: string;
  readonly realizedPnl: string;
}

export interface BrokerRecord {
  readonly tapeMs: number;
  readonly accounts: readonly string[];
  /** By permId. */
  readonly orders: readonly OrderRecord[];
  /** In the order in which they happened. */
  readonly executions: readonly ExecutionRecord[];
  /** Every instrument ever held, zeros included. */
  readonly positions: readonly PositionRecord[];
  /** Two places, as the account values say it. */
  readonly cash: readonly { readonly account: string; readonly currency: string; readonly cash: string }[];
}

export function recordOf(broker: Broker): BrokerRecord {
  const standing = broker.ledger.standing();
  const stands = new Set(standing.map(({ execId }) => execId));
  const byPerm = Map.groupBy(standing, ({ order }) => order.permId);
  return {
    tapeMs: broker.tapeMs,
    accounts: broker.options.accounts,
    orders: broker.orders.sent().map((order) => ({
      permId: order.permId,
      clientId: order.clientId,
      orderId: order.orderId,
      account: order.account,
      orderRef: order.terms.orderRef,
      origin: order.manual ? 'manual' : 'api',
      parentPermId: order.parent?.permId ?? 0,
      conId: order.instrument.contract.conId,
      localSymbol: order.instrument.contract.localSymbol,
      action: order.terms.action,
      quantity: order.terms.quantity,
      orderType: order.terms.orderType,
      limitPrice: order.terms.limitPrice || null,
      stopPrice: order.terms.auxPrice || null,
      timeInForce: order.terms.timeInForce,
      ocaGroup: order.terms.ocaGroup,
      status: order.status,
      filled: order.filled.toFixed(),
      averageFillPrice: order.filled.isZero() ? null : rounded(order.filledValue.div(order.filled), 12),
      reason: order.reason ?? null,
      completedStatus: order.completedStatus,
      executions: (byPerm.get(order.permId) ?? [])
        .filter(({ quantity }) => !quantity.isZero())
        .map(({ execId }) => execId),
    })),
    executions: broker.ledger.all.map((one) => ({
      execId: one.execId,
      execBase: one.base,
      revision: one.revision,
      superseded: !stands.has(one.execId),
      permId: one.order.permId,
      clientId: one.order.clientId,
      orderId: one.order.orderId,
      account: one.order.account,
      orderRef: one.order.terms.orderRef,
      conId: one.order.instrument.contract.conId,
      action: one.order.terms.action,
      quantity: one.quantity.toFixed(),
      price: one.price.toFixed(),
      timeMs: one.timeMs,
      liquidation: one.order.liquidation,
      commission: one.commission.toFixed(),
      currency: one.order.instrument.contract.currency,
      realizedPnl: one.realizedPnl === undefined ? null : rounded(one.realizedPnl),
    })),
    positions: broker.portfolio.holdings().map((holding) => ({
      account: holding.account,
      conId: holding.instrument.contract.conId,
      localSymbol: holding.instrument.contract.localSymbol,
      secType: holding.instrument.contract.secType,
      multiplier: holding.instrument.contract.multiplier,
      currency: holding.instrument.contract.currency,
      position: holding.position.toFixed(),
      averageCost: rounded(holding.averageCost),
      realizedPnl: rounded(holding.realized),
    })),
    cash: broker.options.accounts.flatMap((account) =>
      broker.portfolio
        .cash(account)
        .map(({ currency, amount }) => ({ account, currency, cash: cents(amount) })),
    ),
  };
}

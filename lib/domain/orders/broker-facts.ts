import type { TradedContract } from './contract.ts';
import type { OrderTerms, Side } from './order-report.ts';

/**
 * What IB says of orders, executions, positions and cash, as values: decoded, decimals as text, sentinels as null.
 * Messages of one connection come in order; IB repeats, delays and leaves out as it likes (`ib-facts`: 8, 9, 11, 13).
 */
export type BrokerFact =
  | OpenOrderFact
  | OrderStatusFact
  | ExecutionFact
  | CommissionFact
  | CompletedOrderFact
  | OrderErrorFact
  | PositionFact
  | AccountValueFact;

/** IB's terms of an order; the parent's key is ours to find. */
export type BrokerTerms = Omit<OrderTerms, 'parentKey'>;

export interface OpenOrderFact {
  readonly kind: 'open-order';
  readonly account: string;
  readonly orderId: number;
  readonly clientId: number;
  readonly permId: number;
  readonly orderRef: string;
  readonly contract: TradedContract;
  readonly terms: BrokerTerms;
  /** False while the gateway holds it back: it lives only there and dies with the session. */
  readonly transmit: boolean;
  /** IB's word. */
  readonly status: string;
  readonly warning: string;
}

export interface OrderStatusFact {
  readonly kind: 'order-status';
  readonly orderId: number;
  readonly clientId: number;
  readonly permId: number;
  readonly parentId: number;
  readonly status: string;
  readonly filled: string;
  readonly remaining: string;
  readonly averageFillPrice: string;
  readonly whyHeld: string;
}

export interface ExecutionFact {
  readonly kind: 'execution';
  readonly account: string;
  readonly orderId: number;
  readonly clientId: number;
  readonly permId: number;
  readonly orderRef: string;
  readonly contract: TradedContract;
  readonly execId: string;
  /** Unix milliseconds, UTC. */
  readonly timeMs: number;
  readonly side: Side;
  readonly quantity: string;
  readonly price: string;
  readonly exchange: string;
  readonly liquidation: boolean;
  readonly liquidity: number;
  readonly cumulativeQuantity: string;
  readonly averagePrice: string;
}

export interface CommissionFact {
  readonly kind: 'commission';
  readonly execId: string;
  /** Null for IB's sentinels (-1, 1.7976931348623157e308, nothing). */
  readonly commission: string | null;
  readonly currency: string;
  readonly realizedPnl: string | null;
}

export interface CompletedOrderFact {
  readonly kind: 'completed-order';
  readonly account: string;
  /** IB does not say client and order id of a completed order. */
  readonly permId: number;
  readonly parentPermId: number;
  readonly orderRef: string;
  readonly contract: TradedContract;
  readonly terms: BrokerTerms;
  readonly status: string;
  readonly filled: string;
  /** IB's words: `Filled Size: 2`, `Cancelled by Trader`, `Rejected by System: …`. */
  readonly completedStatus: string;
  /** Unix milliseconds, UTC; null where IB's text cannot be read. */
  readonly completedAtMs: number | null;
}

/** An error or a warning whose id is that of an order. */
export interface OrderErrorFact {
  readonly kind: 'order-error';
  readonly orderId: number;
  /** Of our own session: IB sends errors to the client that placed the order. */
  readonly clientId: number;
  readonly code: number;
  readonly message: string;
}

export interface PositionFact {
  readonly kind: 'position';
  readonly account: string;
  readonly contract: TradedContract;
  readonly position: string;
  readonly averageCost: string;
}

export interface AccountValueFact {
  readonly kind: 'account-value';
  readonly account: string;
  readonly key: string;
  readonly value: string;
  readonly currency: string;
}

/** The lists that the broker can be asked for, each ended by a marker of its own. */
export type BrokerList = 'open-orders' | 'completed-orders' | 'executions' | 'positions' | 'account-values';

/** What became of a question: `ok` its end marker came, `partial` rows but no end, `failed` nothing usable. */
export type ListOutcome = 'ok' | 'partial' | 'failed';

/**
 * What every judge of a run shares: the broker's rows of this account by key, the orders of both sides side by side, and
 * the book's orders as they will be once the broker's word on them is booked. A list that is not `ok` has no rows here.
 */
import type { OrderBody } from '../book/orders.ts';
import type {
  AccountValueFact,
  CompletedOrderFact,
  ExecutionFact,
  OpenOrderFact,
  OrderStatusFact,
  PositionFact,
} from '../orders/broker-facts.ts';
import type { FillReport } from '../orders/fill-report.ts';
import type {
  BrokerPicture,
  Discrepancy,
  DiscrepancyType,
  Pending,
  PlanAction,
  Recommendation,
} from './types.ts';

/** Everything that the broker says of one order, of several reports the most advanced. */
export interface BrokerOrder {
  readonly permId: number;
  /** 0 where IB does not say it. */
  readonly clientId: number;
  readonly orderId: number;
  readonly orderRef: string;
  readonly open: OpenOrderFact | null;
  readonly status: OrderStatusFact | null;
  readonly completed: CompletedOrderFact | null;
  /** Sorted by (time, execId). */
  readonly executions: readonly ExecutionFact[];
  /** It belongs to another account, and only executions of it are ours: a share in an adviser's order. */
  readonly isShare: boolean;
}

export interface ReconcileContext {
  readonly broker: BrokerPicture;
  /** The market clock after the last answer, Unix ms. */
  readonly marketMs: number;
  /** What changed later than this (market clock, Unix ms) is not judged: a quiet period before the first question. */
  readonly quietSinceMs: number;
  /** The broker's orders by their key in the book: the one that matches, else the one that it will be adopted under. */
  readonly brokerOrders: ReadonlyMap<string, BrokerOrder>;
  /** The book's orders as they are after this plan, those that it adopts and the real executions that it books included. */
  readonly after: ReadonlyMap<string, OrderBody>;
  /** Keys of the orders that have executions of a contract, in the book or after this plan, by conId as text. */
  readonly ordersOf: (conId: string) => readonly string[];
  /** Real executions that this plan books, by conId as text, sorted by (time, execId). */
  readonly newFills: ReadonlyMap<string, readonly FillReport[]>;
  /** Contracts whose fills may still be on their way, by conId as text, and why. */
  readonly unsettled: ReadonlyMap<string, string>;
  /** Rows of this account, by conId as text; null where the list is not `ok`. Zero rows included, as IB sends them. */
  readonly positions: ReadonlyMap<string, PositionFact> | null;
  /** Rows of this account; null where the list is not `ok`. */
  readonly accountValues: readonly AccountValueFact[] | null;
  /** The three lists that speak of orders, each `ok` or not. */
  readonly complete: {
    readonly open: boolean;
    readonly completed: boolean;
    readonly executions: boolean;
  };
}

/** A fill that is made because nothing else explains a position; the engine books it with its order, in one action. */
export interface SyntheticFill {
  /** `synthetic` is true; an order key that the book does not have makes an order of its own. */
  readonly fill: FillReport;
  readonly cures: readonly DiscrepancyType[];
}

/** What a judge says. The engine adds up the judgements, sorts them, and makes the plan. */
export interface Judgement {
  readonly discrepancies: readonly Discrepancy[];
  readonly pending: readonly Pending[];
  /** Each with writes of its own: never of orders, fills and pointers, which are the engine's. */
  readonly actions: readonly PlanAction[];
  /** Synthetic fills, for the engine to book. */
  readonly fills?: readonly SyntheticFill[];
  readonly recommendations?: readonly Recommendation[];
  readonly unjudged: readonly string[];
  /**
   * Runs in a row, this one included, by subject, of all that was merely absent: pending or not. What could not be judged
   * keeps the count that it had in the memory. What is not here is found, and counts from 0 again.
   */
  readonly absent?: { readonly [subject: string]: number };
}

import type { BarSizeSetting, Contract, ContractDetails, EventName, MarketDataType, Order } from '@stoqey/ib';
import type { BrokerFact, BrokerList } from '../lib/domain/orders/broker-facts.ts';
import type { WhatIfState } from './what-if-desk.ts';

/** What the link to the gateway needs to be told, and what it tells. */
export interface LinkTarget {
  readonly host: string;
  readonly port: number;
  readonly clientId: number;
  /** IB cuts sessions off at 50 a second; @stoqey/ib sends at most 43 when told 40. */
  readonly maxRequestsPerSecond: number;
  /** Zone in which the gateway writes times that name none. */
  readonly timeZone: string;
}

/** What the gateway says, one method a message. Request ids are ours; prices are doubles as @stoqey/ib decodes them. */
export interface LinkListener {
  ready(serverVersion: number, accounts: readonly string[]): void;
  disconnected(code: number | null, message: string): void;
  notice(code: number, message: string): void;
  /** An error about one of our requests, or about an order: their ids share one field. */
  requestError(id: number, code: number, message: string): void;
  time(seconds: number): void;
  contract(reqId: number, details: ContractDetails): void;
  contractEnd(reqId: number): void;
  marketDataType(reqId: number, type: number): void;
  tickReqParams(reqId: number): void;
  tickString(reqId: number, type: number, value: string): void;
  tickPrice(reqId: number, type: number, price: number): void;
  tickSize(reqId: number, type: number, size: number): void;
  tickGeneric(reqId: number, type: number, value: number): void;
  tickByTickTrade(reqId: number, seconds: number, price: number, size: number): void;
  historicalBar(reqId: number, bar: LinkBar): void;
  historicalEnd(reqId: number): void;
  /** Anything about orders, executions, positions and cash, asked for or not. */
  fact(fact: BrokerFact): void;
  /** The answer to a what-if question: no fact, no order stands behind it. */
  whatIf(state: WhatIfState): void;
  /** A message that could be a row of this list could not be read; it is told as a fault too. */
  unreadable(list: BrokerList): void;
  /** The end marker of a list. */
  listEnd(end: ListEnd): void;
  /** A listener threw: a bug of ours, told instead of swallowed. */
  fault(where: string, error: unknown): void;
}

/** Listens for one event, guarded: for this instance alone, and whatever the handler throws is told. */
export type Subscribe = <A extends readonly unknown[]>(
  event: EventName,
  handle: (...args: A) => void,
) => void;

export interface LinkBar {
  readonly startSeconds: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly count: number;
}

/** The end marker of a list, as far as it says which question it answers. */
export type ListEnd =
  | { readonly list: Exclude<BrokerList, 'executions' | 'account-values'> }
  | { readonly list: 'executions'; readonly reqId: number }
  | { readonly list: 'account-values'; readonly account: string };

/** Messages of the gateway that were not as its protocol has them. */
export interface WireFigures {
  readonly unreadable: number;
  readonly ignored: number;
  readonly surplus: number;
  /** Connections that were ended for it. */
  readonly broken: number;
}

/** The way to one gateway: what may be asked of it. Answers come to the listener that it was opened with. */
export interface GatewayLink {
  /** The lowest order id that the gateway takes from this client, as it said last; it may be too low. */
  readonly nextValidId: number;
  readonly attempts: number;
  /** What was wrong with the bytes of the gateway. */
  readonly wire: WireFigures;
  /** Starts one attempt; the outcome comes as `ready` or `disconnected`. */
  open(): void;
  /** Throws the attempt away, with all that it has queued. */
  close(): void;
  requestTime(): void;
  requestMarketDataType(type: MarketDataType): void;
  requestContract(reqId: number, contract: Contract): void;
  requestOpenOrders(): void;
  requestCompletedOrders(): void;
  requestExecutions(reqId: number): void;
  /** False where there is no connection, and so nothing was sent; so is `placeOrder`. */
  cancelOrder(orderId: number): boolean;
  placeOrder(orderId: number, contract: Contract, order: Order): boolean;
  subscribePositions(): void;
  unsubscribePositions(): void;
  subscribeAccount(account: string): void;
  unsubscribeAccount(account: string): void;
  subscribe(reqId: number, contract: Contract): void;
  unsubscribe(reqId: number): void;
  subscribeTickByTick(reqId: number, contract: Contract): void;
  unsubscribeTickByTick(reqId: number): void;
  /** Trades as bars; `end` is `yyyymmdd-HH:MM:SS` in UTC. */
  requestHistory(
    reqId: number,
    contract: Contract,
    end: string,
    duration: string,
    barSize: BarSizeSetting,
  ): void;
}

/** @param mayWrite asked before every write to the gateway */
export type OpenLink = (target: LinkTarget, listener: LinkListener, mayWrite: () => boolean) => GatewayLink;

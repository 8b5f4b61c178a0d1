/** The broker's own words: what an order asks for, what became of it, and what the broker tells of it. */
import type { TapeContract } from '../../tapes/contracts.ts';
import type { Decimal } from './money.ts';

/** What the broker knows of an instrument and its market. */
export interface Instrument {
  readonly contract: TapeContract;
  readonly last?: { readonly price: string } | undefined;
  readonly halted: boolean;
}

export const orderTypes = ['MKT', 'LMT', 'STP', 'STP LMT', 'TRAIL', 'TRAIL LIMIT'] as const;
export type OrderType = (typeof orderTypes)[number];
export const timesInForce = ['DAY', 'GTC', 'IOC', 'GTD'] as const;
export type TimeInForce = (typeof timesInForce)[number];
export type Action = 'BUY' | 'SELL';

/** Prices and quantities are decimal text, `''` where nothing was said. */
export interface OrderTerms {
  readonly action: Action;
  readonly quantity: string;
  readonly orderType: OrderType;
  readonly limitPrice: string;
  /** Stop price, or the trailing amount of TRAIL and TRAIL LIMIT. */
  readonly auxPrice: string;
  readonly trailStopPrice: string;
  readonly trailingPercent: string;
  /** Of TRAIL LIMIT: from the stop price to the limit. */
  readonly limitOffset: string;
  readonly timeInForce: TimeInForce;
  /** As the client wrote it. */
  readonly goodTillDate: string;
  /** Unix milliseconds, UTC; GTD only. */
  readonly goodTillMs: number | undefined;
  readonly outsideRth: boolean;
  readonly ocaGroup: string;
  /** 1 cancel with block, 2 reduce with block, 3 reduce without block; 0 not said. */
  readonly ocaType: number;
  readonly orderRef: string;
}

export interface PlaceRequest {
  readonly account: string;
  readonly clientId: number;
  /** 0 for an order typed into TWS. */
  readonly orderId: number;
  readonly instrument: Instrument;
  /** The exchange that the client named, `''` for the instrument's own. */
  readonly exchange: string;
  /** Order id of the parent at the same client, 0 for none. */
  readonly parentId: number;
  readonly terms: OrderTerms;
  readonly transmit: boolean;
}

/** IB's words. */
export type OrderStatus =
  | 'PendingSubmit'
  | 'PreSubmitted'
  | 'Submitted'
  | 'PendingCancel'
  | 'Filled'
  | 'Cancelled'
  | 'ApiCancelled'
  | 'Inactive';

/**
 * `held`: only the gateway has it, until a frame with transmit; `sent`: on its way; `waiting`: a child whose parent is
 * not filled; `working`; `done`.
 */
export type OrderStage = 'held' | 'sent' | 'waiting' | 'working' | 'done';

export interface BrokerOrder {
  readonly account: string;
  readonly clientId: number;
  /** Changes once, when an order typed into TWS is bound. */
  orderId: number;
  /** 0 while held. */
  permId: number;
  readonly instrument: Instrument;
  readonly exchange: string;
  readonly manual: boolean;
  readonly liquidation: boolean;
  readonly parent: BrokerOrder | undefined;
  terms: OrderTerms;
  stage: OrderStage;
  status: OrderStatus;
  whyHeld: string;
  /** A stop whose price was met. */
  triggered: boolean;
  /** Where a trailing stop stands. */
  trailStop: Decimal | undefined;
  filled: Decimal;
  /** Sum of quantity times price of its executions. */
  filledValue: Decimal;
  lastFillPrice: string;
  commission: Decimal;
  /** Why it ended without being filled, or why it was refused. */
  reason: { readonly code: number; readonly text: string } | undefined;
  completedMs: number;
  /** IB's words for completed orders: `Filled Size: 2`, `Cancelled by Trader`. */
  completedStatus: string;
}

export interface Execution {
  readonly execId: string;
  readonly base: string;
  readonly revision: number;
  /** The order as it was just after it. */
  readonly order: Readonly<BrokerOrder>;
  readonly timeMs: number;
  readonly exchange: string;
  readonly quantity: Decimal;
  readonly price: Decimal;
  readonly cumulativeQuantity: Decimal;
  readonly averagePrice: Decimal;
  /** 1 added liquidity, 2 removed it. */
  readonly liquidity: number;
  readonly commission: Decimal;
  /** Net of commissions; undefined when it closed nothing. */
  readonly realizedPnl: Decimal | undefined;
}

/** What happened, with copies of what it happened to: it may be told later than it happened. */
export type BrokerEvent =
  /** Accepted, changed, or ended: told as openOrder and orderStatus. */
  | { readonly kind: 'order'; readonly order: Readonly<BrokerOrder>; readonly first?: boolean }
  /** Told as orderStatus alone. */
  | { readonly kind: 'status'; readonly order: Readonly<BrokerOrder> }
  | { readonly kind: 'fill'; readonly order: Readonly<BrokerOrder>; readonly execution: Execution }
  | { readonly kind: 'correction'; readonly order: Readonly<BrokerOrder>; readonly execution: Execution }
  | {
      readonly kind: 'error';
      readonly order: Readonly<BrokerOrder>;
      readonly code: number;
      readonly text: string;
    }
  | { readonly kind: 'position'; readonly account: string; readonly instrument: Instrument };

/** Why a request is refused: IB's code and words. */
export interface Refusal {
  readonly code: number;
  readonly text: string;
}

export interface BrokerOptions {
  readonly accounts: readonly string[];
  /** Decimal text, in USD, each account. */
  readonly startCash: string;
  /** Each fill takes at most this share of a print's or quote's size (rounded up); `all` ignores sizes. */
  readonly fillShare: number | 'all';
  /** Tape milliseconds until an order, a change or a cancel arrives at the exchange. */
  readonly latencyMs: number;
  /** USD, decimal text. */
  readonly commission: {
    readonly perContract: string;
    readonly perShare: string;
    /** For each order of stocks. */
    readonly shareMinimum: string;
  };
  /** Makes permIds and execIds of this run differ from those of other runs. */
  readonly runId: number;
}

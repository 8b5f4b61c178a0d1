import type { TradedContract } from './contract.ts';

/** The states of an order. IB's own words where IB has one; `docs/orders.md` has the table of moves. */
export const orderStatuses = [
  'ApiPending',
  'PendingSubmit',
  'PreSubmitted',
  'Submitted',
  'PartiallyFilled',
  'Filled',
  'PendingModify',
  'PendingCancel',
  'Cancelled',
  'ApiCancelled',
  'Rejected',
  'Inactive',
  'Expired',
  'Unknown',
] as const;
export type OrderStatus = (typeof orderStatuses)[number];

export type Side = 'BUY' | 'SELL';

/** How IB and the desk call one order. Ids that are not known yet are 0 or `''`. */
export interface OrderIdentity {
  /** Ours, never changes: the intent's key, else made from the first external id that IB gave. */
  readonly orderKey: string;
  /** Unique in the account; 0 until IB has given it. */
  readonly permId: number;
  /** API client that placed it; with `orderId` unique only within one run of ids. */
  readonly clientId: number;
  /** 0 or negative for orders typed into TWS. */
  readonly orderId: number;
  readonly orderRef: string;
  /** `manual`: typed into TWS; `api`: placed by an API client, ours included. */
  readonly origin: 'api' | 'manual';
}

/** What was asked for. Prices and quantities are decimal text, in the contract's currency and units. */
export interface OrderTerms {
  readonly action: Side;
  readonly quantity: string;
  /** IB's word: MKT, LMT, STP, STP LMT, TRAIL and others. */
  readonly orderType: string;
  readonly limitPrice: string | null;
  /** Stop price, or the trailing amount of TRAIL (IB's auxPrice). */
  readonly stopPrice: string | null;
  readonly trailingPercent: string | null;
  readonly trailStopPrice: string | null;
  /** DAY, GTC, IOC, GTD and others. */
  readonly timeInForce: string;
  readonly goodTillDate: string;
  readonly outsideRth: boolean;
  readonly ocaGroup: string;
  readonly ocaType: number;
  /** Order id of the bracket's parent at the same client; 0 for none. */
  readonly parentId: number;
  /** Key of the parent's order once it is known. */
  readonly parentKey: string | null;
}

export interface OrderReason {
  /** IB's error code; 0 where IB gave only words. */
  readonly code: number;
  readonly message: string;
}

/** Who said how an order ended where IB does not say it any more. IB's own word counts more, whenever it comes. */
export interface Settlement {
  /** An AWS identity. */
  readonly by: string;
  readonly reason: string;
  readonly commandId: string;
}

/** What the streamer says of an order when something about it has really changed: the whole, not the difference. */
export interface OrderReport extends OrderIdentity {
  readonly contract: TradedContract;
  readonly terms: OrderTerms;
  readonly status: OrderStatus;
  /** IB's own word, `''` where the state follows from something else (an error code, a fill). */
  readonly brokerStatus: string;
  readonly whyHeld: string;
  readonly reason: OrderReason | null;
  /** Cumulative quantity that IB reports as filled; decimal text. */
  readonly reportedFilled: string;
  /** Average price that IB reports; decimal text, null before the first fill. */
  readonly reportedAveragePrice: string | null;
  /** Only where the state is an end that a person gave. */
  readonly settled?: Settlement | undefined;
}

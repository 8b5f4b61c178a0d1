/** What the gate looks at, and what it answers. */
import type { Instrument } from '../market/instrument.ts';
import type { FlagsReading } from './flags.ts';
import type { LockReading } from './lock.ts';
import type { TradingReading } from './trading-state.ts';

/** Why an order does not leave: a closed list. */
export const denialCodes = [
  // What holds everything.
  'FLAGS_UNREADABLE',
  'SAFE_MODE',
  'LEASE_LOST',
  'RECONCILE_LOCKED',
  'HALTED',
  'REDUCE_ONLY',
  'EXPIRED',
  'DUPLICATE',
  // Where it would go.
  'NOT_CONNECTED',
  'API_READ_ONLY',
  'ACCOUNT_MISMATCH',
  'PORT_MISMATCH',
  // What it says.
  'COMMAND_INVALID',
  'CONTRACT_UNKNOWN',
  'BRACKET_INVALID',
  'QUANTITY_INVALID',
  'LOT_SIZE',
  'PRICE_INVALID',
  'TICK_SIZE',
  'ORDER_UNKNOWN',
  'ORDER_ENDED',
  'NOT_OURS',
  'ORDER_AT_WORK',
  'ORDER_QUIET',
  'LISTS_INCOMPLETE',
  'NOTHING_TO_FLATTEN',
  // When it comes.
  'FEED_STALE',
  'FEED_DELAYED',
  'SESSION_CLOSED',
  // How much it risks.
  'PRICE_COLLAR',
  'MAX_QUANTITY',
  'MAX_NOTIONAL',
  'MAX_POSITION',
  'MAX_OPEN_ORDERS',
  'ORDER_RATE',
  'DAILY_LOSS',
  'DRAWDOWN',
  'MARGIN',
] as const;
export type DenialCode = (typeof denialCodes)[number];

/** Limits of an account; decimal text, and null for no limit. */
export interface RiskLimits {
  /** Contracts or shares of one order. */
  readonly maxQuantity: string | null;
  /** Quantity x price x multiplier of one order, in the contract's currency. */
  readonly maxNotional: string | null;
  /** Contracts or shares, long or short, once all working orders of that side were filled. */
  readonly maxPosition: string | null;
  readonly maxOpenOrders: number | null;
  readonly maxOrdersPerMinute: number | null;
  /** Loss since the session date began, in the account's base currency. */
  readonly maxDailyLoss: string | null;
  /** Loss since the highest value of the session date, in the account's base currency. */
  readonly maxDrawdown: string | null;
  /** Share of the last trade by which a limit or stop price may be away from it. */
  readonly priceCollar: string | null;
}

/** What is known of the account and its market at one moment. */
export interface TradingPicture {
  readonly flags: FlagsReading;
  readonly lock: LockReading;
  readonly trading: TradingReading;
  readonly lease: { readonly held: boolean; readonly token: number };
  readonly session: {
    /** The gateway answers, and all of its lists were whole. */
    readonly ready: boolean;
    /** The gateway answers, and its lists of positions and open orders were whole; of the others one may not be. */
    readonly canClose: boolean;
    readonly phase: string;
    readonly readOnlyApi: boolean;
  };
  readonly account: {
    readonly account: string;
    readonly stage: string;
    /** Of the gateway. */
    readonly port: number;
    /** Accounts that the gateway's login manages; none while it has not said. */
    readonly managed: readonly string[];
  };
  /** Undefined where no line of the streamer has this conId. */
  readonly instrument: Instrument | undefined;
  /** Least quantity and its step, decimal text: `1` for futures. */
  readonly lotSize: string;
  readonly market: {
    readonly feed: 'unknown' | 'live' | 'delayed' | 'frozen' | 'stale' | 'lost';
    /** Of the last trade, decimal text; null before the first. */
    readonly lastPrice: string | null;
    readonly session: 'open' | 'closed' | 'unknown';
    readonly halted: boolean;
  };
  /** Net, signed decimal text; `0` for none. */
  readonly position: string;
  /**
   * Remaining quantity of our working orders of this contract, by side; decimal text. Without what the command replaces: the
   * order that a `modify` changes, and the orders that a `flatten` cancels first.
   */
  readonly working: { readonly buy: string; readonly sell: string };
  /** The order that a `modify` changes, as it stands; null for other commands, and where nobody knows it. */
  readonly modified: {
    readonly action: 'BUY' | 'SELL';
    /** Decimal text. */
    readonly quantity: string;
    readonly filled: string;
    /** It was placed together with other legs. */
    readonly isBracket: boolean;
  } | null;
  /** Working orders of the account, without what the command replaces. */
  readonly openOrders: number;
  /** Orders that left within the last 60 s of the system clock. */
  readonly ordersLastMinute: number;
  /** In the account's base currency, decimal text; null where the broker has not said. */
  readonly value: {
    readonly now: string | null;
    /** When the session date began. */
    readonly atStart: string | null;
    /** The highest of the session date. */
    readonly peak: string | null;
    /** Milliseconds since the broker told it; null where it has not. */
    readonly ageMs: number | null;
  };
  readonly limits: RiskLimits;
}

export interface Denial {
  readonly verdict: 'deny';
  readonly code: DenialCode;
  /** What is wrong, for a person. */
  readonly message: string;
  /** What would be allowed, for a person. */
  readonly allowed: string;
}

export type GateVerdict =
  /** It may leave. */
  | { readonly verdict: 'send' }
  /** DRY_RUN, and everything else would have let it through. */
  | { readonly verdict: 'would-send'; readonly message: string }
  | Denial;

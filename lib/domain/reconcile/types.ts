/**
 * What reconcile compares, and what it says. Pure values: a run is judged again from the same input, so nothing here
 * comes from a clock or from outside. Prices, quantities and amounts are decimal text.
 */
import type { BalanceBody, PositionBody } from '../book/accounts.ts';
import type { FillBody } from '../book/fills.ts';
import type { BookRef, BookWrite } from '../book/item.ts';
import type { OrderBody } from '../book/orders.ts';
import type { Instrument } from '../market/instrument.ts';
import type {
  AccountValueFact,
  CommissionFact,
  CompletedOrderFact,
  ExecutionFact,
  ListOutcome,
  OpenOrderFact,
  OrderStatusFact,
  PositionFact,
} from '../orders/broker-facts.ts';

/** Counts up with every change of what the engine decides, so that evidence says by which rules it was judged. */
export const ruleVersion = 3;

export const reconcileModes = ['strict', 'warn', 'auto_sync'] as const;
export type ReconcileMode = (typeof reconcileModes)[number];

/** The rules of a run, all of them configuration. */
export interface ReconcileRules {
  readonly mode: ReconcileMode;
  /** Classes whose actions the policy of `auto_sync` approves by itself. */
  readonly autoSync: readonly DiscrepancyType[];
  /** Contracts that may differ: 0. */
  readonly quantityTolerance: string;
  /** Units of each currency. */
  readonly cashTolerance: string;
  /** Share of an average price: 0.0001 is 0.01 %. */
  readonly priceTolerance: string;
  /** An order that changed more recently is not judged (market clock). */
  readonly quietMs: number;
  /** Runs in which something merely absent must stay absent before it is UNRESOLVED. */
  readonly absentRuns: number;
  /** Runs after which an open discrepancy is escalated, and no more is done about it. */
  readonly escalateAfterRuns: number;
  /** Absent orders that are asked for by name in one run; the rest next time, in turn. */
  readonly queriesPerRun: number;
  /** How far back the broker's executions reach: since midnight in the gateway's zone. Unix ms UTC. */
  readonly executionsSinceMs: number;
  /** A snapshot older than this is STALE_DATA. */
  readonly snapshotMaxAgeMs: number;
  /** Order keys or permIds that are not judged (`filtered`). */
  readonly ignoredOrders: readonly string[];
  /** API client ids that are ours: only their orders can we cancel. */
  readonly ownClientIds: readonly number[];
  /** Futures roots and symbols that are recognised as initial state, each in its class. */
  readonly initialStateSymbols: readonly string[];
  /** Security types and symbols whose positions need no stop: `OPT`, `SPY`. None where it is not said. */
  readonly noStopNeeded?: readonly string[];
  /** Loss and profit of an initial position, as a share of its cost, from which closing is recommended. */
  readonly riskThreshold: string;
  readonly profitThreshold: string;
  readonly massChange: { readonly share: string; readonly atLeast: number };
  /** How long a plan may be approved and applied. */
  readonly planValidMs: number;
}

export interface Listed<T> {
  readonly outcome: ListOutcome;
  readonly rows: readonly T[];
}

/** What the broker has of one account; a snapshot document without its envelope. */
export interface BrokerPicture {
  /** Command id of the snapshot, and the SHA-256 of the stored object. */
  readonly id: string;
  readonly sha256: string;
  readonly epoch: number;
  /** System time of the first question and the last answer, Unix ms UTC. */
  readonly startedAtMs: number;
  readonly completedAtMs: number;
  /** Market clock after the last answer. */
  readonly brokerTimeMs: number;
  readonly positions: Listed<PositionFact>;
  readonly openOrders: Listed<OpenOrderFact | OrderStatusFact>;
  readonly completedOrders: Listed<CompletedOrderFact>;
  readonly executions: Listed<ExecutionFact | CommissionFact>;
  readonly accountValues: Listed<AccountValueFact>;
}

export interface Versioned<T> {
  readonly version: number;
  readonly body: T;
  /**
   * Market time of the item's last change, Unix ms; absent where nobody knows. A live order whose change has no time is
   * not judged before it differs in two runs: the book may be ahead of the snapshot.
   */
  readonly changedAtMs?: number;
}

/** The book of one account, by the ids of its items. */
export interface BookPicture {
  /** By order key. */
  readonly orders: ReadonlyMap<string, Versioned<OrderBody>>;
  /** By `<execBase>#<revision>` as the item's id has it. */
  readonly fills: ReadonlyMap<string, Versioned<FillBody>>;
  /** By conId as text. */
  readonly positions: ReadonlyMap<string, Versioned<PositionBody>>;
  /** By currency. */
  readonly cash: ReadonlyMap<string, Versioned<BalanceBody>>;
  /** Pointers by `refText`: version and order key. */
  readonly pointers: ReadonlyMap<string, Versioned<{ readonly orderKey: string; readonly permId: number }>>;
  /** By conId as text. */
  readonly instruments: ReadonlyMap<string, Instrument>;
  /** Nothing of orders, fills, positions and cash was ever adopted: the very first run. */
  readonly isFirstRun: boolean;
}

export interface ReconcileInput {
  readonly account: string;
  readonly runId: string;
  /** System time, Unix ms UTC. */
  readonly nowMs: number;
  readonly rules: ReconcileRules;
  /** Null: no snapshot came in time. */
  readonly broker: BrokerPicture | null;
  readonly book: BookPicture;
  /** Last prices by conId as text, for recommendations; absent where nobody has any. */
  readonly prices?: ReadonlyMap<string, string>;
  /** What earlier runs noted; empty at the first. */
  readonly memory: ReconcileMemory;
}

export const discrepancyTypes = [
  'NAKED_POSITION',
  'UNPROTECTED_POSITION',
  'POSITION_MISMATCH',
  'MISSING_FROM_BOOK',
  'AMBIGUOUS_MATCH',
  'UNRESOLVED',
  'STALE_DATA',
  'ORDER_STATUS_MISMATCH',
  'MISSING_FILL',
  'UNKNOWN_ORDER',
  'CASH_MISMATCH',
  'PRICE_MISMATCH',
] as const;
export type DiscrepancyType = (typeof discrepancyTypes)[number];

export type Severity = 'INFO' | 'MEDIUM' | 'HIGH' | 'CRITICAL';

export interface Discrepancy {
  /** Deterministic: `<type>:<subject>`; the same difference has the same id in every run. */
  readonly id: string;
  readonly type: DiscrepancyType;
  readonly severity: Severity;
  /** `order P17`, `position 495512563`, `cash USD`, `snapshot`. */
  readonly subject: string;
  /** Contract or symbol for a person; `''` for none. */
  readonly symbol: string;
  /** What the broker says and what the book says, short, for a person. */
  readonly broker: string;
  readonly book: string;
  /** What it means and what to do. */
  readonly message: string;
  /** The rows and items that it rests on: execIds, permIds, item keys. */
  readonly evidence: readonly string[];
}

/** Something that is not there yet and is given time. It is no verdict and locks nothing. */
export interface Pending {
  readonly subject: string;
  readonly why: string;
  /** Runs in which it has been so. */
  readonly runs: number;
}

/** Life of a discrepancy over the runs; kept in the book with the run. */
export interface Noted {
  readonly id: string;
  readonly type: DiscrepancyType;
  readonly severity: Severity;
  readonly state: 'open' | 'acknowledged' | 'escalated' | 'resolved';
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Runs in a row. */
  readonly runs: number;
}

export interface ReconcileMemory {
  readonly noted: readonly Noted[];
  /** Runs in a row in which an order or position was merely absent, by subject. */
  readonly absent: { readonly [subject: string]: number };
  /** Where the turn of single questions goes on. */
  readonly nextQuery: string;
}

export const actionKinds = ['to_insert', 'to_update', 'to_delete'] as const;

/** One change of a plan: carried out as one transaction with its audit row, or as one command. */
export interface PlanAction {
  /** Deterministic: the same input gives the same id. */
  readonly id: string;
  /** Under which heading of `staged_actions.json` it stands; `cancel` is a command to the broker. */
  readonly kind: 'to_insert' | 'to_update' | 'to_delete' | 'cancel';
  /** Of the discrepancies that it cures; the worst of them decides whether a policy may approve it. */
  readonly cures: readonly DiscrepancyType[];
  readonly subject: string;
  /** What a reviewer reads: `Submitted -> Filled, 2 of 2 at 1323.4`. */
  readonly summary: string;
  /** Before and after of what changes, field by field, decimal text or words. */
  readonly changes: readonly { readonly field: string; readonly before: string; readonly after: string }[];
  /** Key of the order that it concerns, for the audit trail; `''` for none. */
  readonly orderKey: string;
  /** Exactly what is written, with the versions that it rests on; empty for a command. At most 80, no two on one item. */
  readonly writes: readonly BookWrite[];
  /** For `cancel`: the order at the broker. */
  readonly cancel: { readonly permId: number; readonly clientId: number; readonly orderId: number } | null;
}

export interface AmbiguousMatch {
  readonly subject: string;
  /** Order keys of the book and permIds of the broker that fit each other. */
  readonly book: readonly string[];
  readonly broker: readonly string[];
  readonly reason: string;
}

/** Never an action: what somebody might want to do about a position found at the start. */
export interface Recommendation {
  readonly conId: number;
  readonly symbol: string;
  /** `future`, `stock`, `option` and so on: SPY is a stock, ES and MES are futures. */
  readonly instrumentClass: string;
  readonly position: string;
  readonly recommendation: 'hold' | 'review_loss' | 'take_profit' | 'no_price';
  /** The sums, written out: `(4490 - 4500) x 2 x 50 = -1000`. */
  readonly arithmetic: readonly string[];
}

export interface Plan {
  /** SHA-256 of the canonical JSON of the rest; what is approved. */
  readonly hash: string;
  readonly account: string;
  readonly runId: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly ruleVersion: number;
  readonly snapshotSha256: string;
  readonly actions: readonly PlanAction[];
  readonly ambiguous: readonly AmbiguousMatch[];
  /** Items that the plan rests on without changing them. */
  readonly rests: readonly { readonly ref: BookRef; readonly expectedVersion: number }[];
}

export interface Verdict {
  readonly discrepancies: readonly Discrepancy[];
  readonly pending: readonly Pending[];
  readonly plan: Omit<Plan, 'hash'>;
  readonly ambiguous: readonly AmbiguousMatch[];
  readonly recommendations: readonly Recommendation[];
  /** Orders to be asked for by name before the next verdict, at most `queriesPerRun`. */
  readonly queries: readonly {
    readonly orderKey: string;
    readonly permId: number;
    readonly orderRef: string;
  }[];
  /** Parts of the snapshot that allowed no verdict, with what therefore was not judged. */
  readonly unjudged: readonly string[];
  readonly memory: ReconcileMemory;
  /** Newly opened and newly resolved, for events. */
  readonly opened: readonly string[];
  readonly resolved: readonly string[];
  readonly escalated: readonly string[];
  /** For the line `IB: X, Book: Y, Discrepancies: Z (N critical)`: positions and working orders compared. */
  readonly counts: { readonly broker: number; readonly book: number };
}

/**
 * What the operator's commands answer with `--json`, as far as the page shows it. Tests hold it against the commands' own
 * types.
 */
import type { OrderView } from '../../lib/domain/orders/order-view.ts';
import type { PlanRecord, RunRecord, RunState } from '../../lib/domain/reconcile/records.ts';
import type { Discrepancy, Plan, Verdict } from '../../lib/domain/reconcile/types.ts';
import type { FlagsReading } from '../../lib/domain/safety/flags.ts';
import type { Lease } from '../../lib/domain/safety/lease-types.ts';
import type { LockReading } from '../../lib/domain/safety/lock.ts';
import type { TradingReading } from '../../lib/domain/safety/trading-state.ts';

/** `status` */
export interface StatusShown {
  readonly at: string | null;
  readonly stage: string;
  readonly account: string;
  readonly streamer: string;
  readonly lease: Lease | null;
  readonly heartbeat: HeartbeatShown | null;
  /** The last heartbeat is young enough. */
  readonly alive: boolean;
  readonly flags: FlagsReading;
  readonly lock: LockReading;
  readonly trading: TradingReading;
  readonly reconcile: {
    readonly state: RunState | null;
    readonly plan: PlanRecord | null;
    readonly lost: boolean;
  };
  readonly orders: { readonly open: number; readonly all: number };
  readonly positions: number;
  readonly queues: readonly QueueShown[];
  readonly chains: readonly { readonly writer: string; readonly seq: number }[];
  readonly alerts: { readonly open: number; readonly untaken: number; readonly worst: string | null };
  readonly restoring: { readonly restoring: string; readonly startedAt: string } | null;
}

export interface QueueShown {
  readonly name: string;
  readonly what: string;
  readonly depth: { readonly waiting: number; readonly inFlight: number } | null;
}

export interface HeartbeatShown {
  readonly epoch: number;
  readonly atMs: number;
  readonly phase: string;
  readonly ready: boolean;
  readonly marketMs: number;
  readonly startedAtMs: number;
  readonly feeds: readonly FeedShown[];
  readonly orders: { readonly synced: boolean; readonly syncedAtMs: number };
  readonly outboxDepth: number;
  readonly bookDepth: number;
}

export interface FeedShown {
  readonly symbol: string;
  readonly conId: number;
  readonly feed: string;
  readonly trades: number;
}

/** A row of `orders --all` */
export type OrderShown = OrderView;

/** A row of `fills` */
export interface FillShown {
  readonly execId: string;
  readonly orderKey: string;
  readonly at: string | null;
  readonly symbol: string;
  readonly conId: number;
  readonly side: string;
  readonly quantity: string;
  readonly price: string;
  readonly exchange: string;
  readonly commission: string | null;
  readonly commissionCurrency: string | null;
  readonly realizedPnl: string | null;
  readonly synthetic: boolean;
  readonly revision: number;
}

/** A row of `positions --all` */
export interface PositionShown {
  readonly conId: number;
  readonly symbol: string;
  readonly localSymbol: string;
  readonly secType: string;
  readonly currency: string;
  readonly multiplier: string;
  readonly position: string;
  readonly averagePrice: string;
  readonly averageCost: string;
}

/** A row of `balances` */
export interface BalanceShown {
  readonly currency: string;
  readonly cash: string;
}

/** What IB had at the last reconcile that looked, from that run's evidence. */
export interface BrokerShown {
  readonly runId: string;
  /** Of the last answer of its snapshot, Unix ms UTC. */
  readonly atMs: number;
  /** `ok`, `partial` or `failed`: only `ok` may be compared. */
  readonly positionsOutcome: string;
  readonly balancesOutcome: string;
  readonly positions: readonly {
    readonly conId: number;
    readonly symbol: string;
    readonly localSymbol: string;
    readonly secType: string;
    readonly currency: string;
    readonly position: string;
  }[];
  readonly balances: readonly BalanceShown[];
  /** What the book had when that run compared the two. */
  readonly book: readonly { readonly conId: number; readonly position: string }[];
}

/** `plan show` */
export interface PlanShown {
  readonly record: PlanRecord | null;
  readonly plan: Plan | null;
  readonly discrepancies: readonly Discrepancy[] | null;
  readonly last?: readonly PlanRecord[];
}

/** A row of `reconcile runs` */
export type RunShown = RunRecord & {
  /** It began and never ended, and nobody is at work on it any more. */
  readonly lost: boolean;
};

/** `reconcile show` */
export interface RunRead {
  readonly run: RunRecord;
  readonly verdict: Verdict | null;
  readonly plan: PlanRecord | null;
}

/** A row of `audit`, without the images of the items: those are asked for one by one. */
export interface AuditShown {
  readonly writer: string;
  readonly seq: number;
  readonly at: string;
  readonly cause: {
    readonly kind: string;
    readonly id: string;
    readonly name: string;
    readonly reason: string;
  };
  readonly orderKey: string;
  readonly hash: string;
  readonly previousHash: string;
  /** Sort keys with the version that they got; null where the item was deleted. */
  readonly items: readonly { readonly item: string; readonly version: number | null }[];
}

/** `audit verify` */
export interface AuditVerified {
  readonly checkedAt: string | null;
  readonly ok: boolean;
  readonly chains: readonly {
    readonly writer: string;
    readonly rows: number;
    readonly finding?: { readonly fault: string; readonly seq: number; readonly message: string } | undefined;
  }[];
  readonly againstBook: {
    readonly items: number;
    readonly moving: number;
    readonly differences: readonly { readonly item: string; readonly kind: string }[];
  } | null;
}

/** A row of `backups` */
export interface BackupShown {
  readonly number: number;
  readonly id: string | null;
  readonly instant: string | null;
  readonly trigger: string | null;
  readonly orders: number | null;
  readonly fills: number | null;
  readonly auditRows: number | null;
  readonly storedBytes: number | null;
  readonly lockedUntil: string | null;
  readonly finding: { readonly code: string; readonly message: string } | null;
}

/** `backups verify` */
export interface BackupVerified {
  readonly ok: boolean;
  readonly backups: readonly {
    readonly number: number | null;
    readonly id: string | null;
    readonly ok: boolean;
    readonly parts: number;
    readonly items: number;
    readonly bytes: number;
    readonly durationMs: number;
    readonly finding: { readonly code: string; readonly message: string } | null;
  }[];
}

/** A contract of the watch list, from `candles`. */
export interface MarketShown {
  readonly conId: number;
  readonly symbol: string;
  readonly feed: string;
  /** Decimal text; null without a bar. */
  readonly last: string | null;
  /** Against the first bar that is held. */
  readonly change: string | null;
  readonly lastStartMs: number | null;
  readonly bars: number;
  /** Bars that are not live and complete. */
  readonly marked: number;
  readonly closes: readonly string[];
}

/** What a position is worth at the last price, in the contract's currency. Decimal text. */
export interface ExposureShown {
  readonly conId: number;
  readonly symbol: string;
  readonly currency: string;
  readonly position: string;
  readonly price: string;
  /** `candle`: close of the last bar; `cost`: no bar, so the average price. */
  readonly priceFrom: 'candle' | 'cost';
  readonly notional: string;
}

/** `doctor` */
export interface Diagnosed {
  readonly ok: boolean;
  readonly findings: readonly {
    readonly check: string;
    readonly state: 'ok' | 'warning' | 'problem' | 'skipped';
    readonly message: string;
    readonly advice: string;
  }[];
}

/** An alert of `alerts list`, and the channels that have something waiting. */
export interface AlertShown {
  readonly id: string;
  /** Its type in the catalogue. */
  readonly alert: string;
  readonly severity: string;
  readonly subject: string;
  readonly message: string;
  readonly count: number;
  readonly firstAt: string | null;
  readonly lastAt: string | null;
  readonly escalations: number;
  readonly acknowledged: { readonly by: string; readonly reason: string; readonly at: string | null } | null;
  readonly resolvedAt: string | null;
  /** What acts on it, as a command. */
  readonly command: string;
}

export interface AlertsShown {
  readonly alerts: readonly AlertShown[];
  readonly channels: readonly {
    readonly channel: string;
    readonly waiting: number;
    readonly failures: number;
    readonly problem: string | null;
  }[];
}

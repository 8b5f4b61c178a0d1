import type { BalanceReport, PositionReport } from '../accounts/position-report.ts';
import type { BrokerFact, BrokerList, ListOutcome } from './broker-facts.ts';
import type { CommissionReport, FillReport } from './fill-report.ts';
import type { OrderReport, Settlement } from './order-report.ts';
import type { OrderState } from './order-state.ts';
import type { Stamp } from './stamp.ts';

/** What the order and position tracker takes in, gives out and remembers. All times are the system clock's, Unix ms. */
export interface TrackerConfig {
  /** For what IB does not name an account of, for example a commission without its execution. */
  readonly account: string;
  /** Zone of the gateway: its midnight is where the list of executions begins. As IB writes it, or IANA. */
  readonly timeZone: string;
  /** Orders and executions are asked for again this long after the last round began. */
  readonly resyncMs: number;
  /** A list whose end the driver has not told after this long has failed. */
  readonly roundTimeoutMs: number;
  /** Complete rounds without an order that should work, before a person is told. */
  readonly unresolvedAfterRounds: number;
  /** Orders that ended, and positions that were closed, are forgotten this long after IB last spoke of them. */
  readonly forgetAfterMs: number;
  /** Bounds, each with an alert when it is reached: orders without a permId, facts that wait for another, orders. */
  readonly heldMax: number;
  readonly waitingMax: number;
  readonly ordersMax: number;
}

/** Everything but the account has a default. */
export type TrackerOptions = Pick<TrackerConfig, 'account'> & Partial<TrackerConfig>;

export const trackerDefaults: Omit<TrackerConfig, 'account'> = {
  timeZone: 'America/New_York',
  resyncMs: 60_000,
  roundTimeoutMs: 45_000,
  unresolvedAfterRounds: 3,
  forgetAfterMs: 7 * 86_400_000,
  heldMax: 500,
  waitingMax: 5_000,
  ordersMax: 50_000,
};

/**
 * `at` says when the fact was seen: the epoch of the run and a count that grows with every fact of it. The driver
 * counts facts as they come off the wire; the count need not be the `seq` of any event. The tracker compares these
 * stamps only with each other. Events get their own (epoch, seq) from the outbox, in the order of the effects, and
 * that is what the book compares: both orders are the same, so tracker and book fold to the same state.
 */
export type TrackerInput =
  | { readonly kind: 'fact'; readonly fact: BrokerFact; readonly at: Stamp }
  /** The session is ready: requests may be sent. */
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' }
  /** The gateway has its servers back (1101, 1102) on a link that stayed up. */
  | { readonly kind: 'restored' }
  /**
   * A list is asked for, be it by somebody else than the tracker. `renews`: its subscription ends with the question and
   * begins anew behind it; what happens in between is told by the new list alone.
   */
  | { readonly kind: 'list-begin'; readonly list: BrokerList; readonly renews: boolean }
  /** Whoever asked has it, as a whole or not. Its rows came since the beginning, as facts, among what was on its way. */
  | { readonly kind: 'list-over'; readonly list: BrokerList; readonly whole: boolean }
  /** A question of the tracker was answered, or was not; behind `list-over`. */
  | { readonly kind: 'list-end'; readonly list: BrokerList; readonly outcome: ListOutcome }
  /** Something is in doubt that only the lists can settle: the next round need not wait for its time. */
  | { readonly kind: 'doubt' }
  /** A person says how an order ended that IB does not know any more; refused as `judgeEnd` says. */
  | { readonly kind: 'settle'; readonly end: GivenEnd }
  | { readonly kind: 'tick' };

/** The end that a person gives an order, with the order as the book has it: a tracker that lost its memory does not know it. */
export interface GivenEnd {
  readonly status: 'Cancelled' | 'Filled';
  readonly settled: Settlement;
  readonly known: OrderReport;
  readonly state: OrderState;
  /** It must be missing in a round that began later. */
  readonly afterRound: number;
}

export type AlertSeverity = 'INFO' | 'MEDIUM' | 'HIGH' | 'CRITICAL';

export interface TrackerAlert {
  /** Kind, in snake_case. */
  readonly alert: string;
  readonly severity: AlertSeverity;
  readonly subject: string;
  readonly message: string;
}

/** The events that the tracker makes, with their data. */
export interface TrackerEvents {
  readonly 'order.placed': OrderReport;
  readonly 'order.changed': OrderReport;
  readonly 'order.filled': OrderReport;
  readonly 'order.cancelled': OrderReport;
  readonly 'order.rejected': OrderReport;
  readonly 'fill.received': FillReport;
  readonly 'commission.received': CommissionReport;
  readonly 'position.changed': PositionReport;
  readonly 'balance.changed': BalanceReport;
  readonly 'alert.raised': TrackerAlert;
}

export type TrackerEventName = keyof TrackerEvents;

export type TrackerEmit = {
  readonly [N in TrackerEventName]: {
    readonly kind: 'emit';
    readonly name: N;
    readonly data: TrackerEvents[N];
    /** Account of the fact; a login may see several. */
    readonly account: string;
    /** IB's time where it gives one (executions, completed orders), else the system's. Unix ms, UTC. */
    readonly occurredAtMs: number;
  };
}[TrackerEventName];

/** JSON, and nothing else: it is written and read back as text. */
export type TrackerDoc = { readonly [field: string]: unknown };

export interface TrackerMemory {
  readonly key: string;
  readonly doc: TrackerDoc;
}

export type TrackerEffect =
  | TrackerEmit
  /** Send the request; tell `list-end` when its end marker came or its time was up. Each list is asked once a round. */
  | { readonly kind: 'ask'; readonly list: BrokerList }
  /**
   * Write the doc under the key, replacing what is there; `null` deletes it. It must be written in one transaction
   * with the events of the same step: then a crash at any point loses nothing and repeats nothing.
   */
  | { readonly kind: 'remember'; readonly key: string; readonly doc: TrackerDoc | null }
  /** A round has ended: what became of each list that was asked for, and whether all of them were complete. */
  | {
      readonly kind: 'synced';
      readonly outcomes: Readonly<Partial<Record<BrokerList, ListOutcome>>>;
      readonly complete: boolean;
    };

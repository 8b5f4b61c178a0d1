import type { CashValue } from '../accounts/cash-value.ts';
import type { PositionReport } from '../accounts/position-report.ts';
import { resolveTimeZone } from '../market/time-zones.ts';
import type {
  BrokerList,
  CommissionFact,
  ExecutionFact,
  ListOutcome,
  OpenOrderFact,
  OrderErrorFact,
  OrderStatusFact,
} from './broker-facts.ts';
import type { OrderReport } from './order-report.ts';
import type { OrderState } from './order-state.ts';
import type { Stamp } from './stamp.ts';
import {
  type TrackerConfig,
  type TrackerEffect,
  type TrackerEvents,
  type TrackerOptions,
  trackerDefaults,
} from './tracker-types.ts';

/** What the tracker knows of one order. `state` is the fold of exactly the events that were told of it. */
export interface TrackedOrder {
  readonly key: string;
  readonly account: string;
  state: OrderState | undefined;
  /** The last report that was told; undefined while only executions are known. */
  report: OrderReport | undefined;
  /** When what the report says was seen: an older fact that comes late does not undo a newer one. */
  termsAt: Stamp;
  statusAt: Stamp;
  /** When IB last used the pair of client and order id for it. */
  apiAt: Stamp;
  transmit: boolean;
  parentPermId: number;
  /** Alerts that were raised, `<alert> <subject>`: the lists repeat what they are about. */
  readonly alerted: Set<string>;
  /** When it was learnt that it ended, Unix ms; 0 while it lives. */
  endedAtMs: number;
  /** When IB last spoke of it, in this run. */
  lastSeenMs: number;
  /** Round in which the open or completed orders last had it. */
  listedRound: number;
  /** Complete rounds in a row without it. */
  missingRounds: number;
  /** Complete rounds in a row, of this run, in which IB had nothing new to say of it anywhere. */
  silentRounds: number;
  /** When the first of them was asked for, Unix ms. */
  silentSinceMs: number;
  unresolvedTold: boolean;
}

/** An order that IB has given no permId yet, or never will. */
export interface HeldOrder {
  readonly id: string;
  open: { readonly fact: OpenOrderFact; readonly at: Stamp } | undefined;
  status: { readonly fact: OrderStatusFact; readonly at: Stamp } | undefined;
  error: { readonly fact: OrderErrorFact; readonly at: Stamp } | undefined;
  /** As in `Waiting`, when it was last spoken of. */
  round: number;
}

/** A fact that means something only with another one that has not come yet. */
export interface Waiting<F> {
  readonly fact: F;
  readonly at: Stamp;
  /** Round that was running or had last run when it came: a later complete round was its last chance. */
  readonly round: number;
}

export interface PositionTold {
  readonly account: string;
  readonly report: PositionReport;
  readonly toldMs: number;
}

export interface CashTold {
  readonly account: string;
  readonly value: CashValue;
}

export interface Round {
  readonly id: number;
  readonly askedMs: number;
  /** Undefined until its end was told. */
  readonly outcomes: Map<BrokerList, ListOutcome | undefined>;
  /** When the end of the executions came: they begin at the midnight before that. */
  executionsEndMs: number;
}

export interface TrackerState {
  readonly config: TrackerConfig;
  readonly timeZone: string;
  readonly orders: Map<string, TrackedOrder>;
  readonly keyByPerm: Map<number, string>;
  /** `<clientId>:<orderId>` to the order that used this pair last. */
  readonly keyByApi: Map<string, string>;
  readonly keyByExec: Map<string, string>;
  /** Name of a parent that is not known yet, to the keys of its children. */
  readonly orphans: Map<string, Set<string>>;
  readonly held: Map<string, HeldOrder>;
  readonly statuses: Map<string, Waiting<OrderStatusFact>>;
  readonly errors: Map<string, Waiting<OrderErrorFact>>;
  readonly executions: Map<string, Waiting<ExecutionFact>>;
  readonly commissions: Map<string, Waiting<CommissionFact>>;
  /** Executions of combinations as a whole: their legs are booked, they are not, nor is what they cost. */
  readonly comboRows: Set<string>;
  /** Costs that were told without an order, so that a list does not tell them again. */
  readonly strayCommissions: Set<string>;
  readonly positions: Map<string, PositionTold>;
  /** Told since the last question for positions. */
  readonly positionsListed: Set<string>;
  /** Held, and in none of the rows of this link's last whole list. */
  readonly positionsLacking: Set<string>;
  /** Whether the last question renewed the subscription, and what was told of positions before its end. */
  positionsRenewal: 'none' | 'nothing-new' | 'news';
  readonly cash: Map<string, CashTold>;
  /** Told since the last question for account values. */
  readonly cashListed: Set<string>;
  linked: boolean;
  round: Round | undefined;
  roundId: number;
  /** The last round of this link in which the lists of orders and executions were complete, and how many of it were; 0 for none. */
  wholeRound: number;
  wholeRounds: number;
  /** When the first of them was asked for, Unix ms. */
  wholeSinceMs: number;
  roundDueMs: number;
  /** Another connect or restore came while a round was running. */
  roundAgain: boolean;
  /** Lists beyond those of every round that are still to be had. */
  readonly owed: Set<BrokerList>;
  /** Executions are accounted for up to here; undefined before the first list. Unix ms. */
  coveredMs: number | undefined;
  /** Since when executions may have been missed; undefined while they are pushed on a link that holds. */
  doubtMs: number | undefined;
  doubtRounds: number;
  /** Alerts of bounds that stand, each told once until there is room again. */
  readonly full: Set<string>;
  /** Remembered documents that could not be read; told of by the first step. */
  unread: readonly string[];
  /** The stamps of the fold here: grow with every event, in this run's epoch. */
  epoch: number;
  told: number;
  nowMs: number;
  /** What the step has to say; emptied by it. */
  out: TrackerEffect[];
  /** Memory that the step changed: keys, written once at its end. */
  readonly dirty: Set<string>;
}

export function createState(options: TrackerOptions): TrackerState {
  const config = { ...trackerDefaults, ...options };
  return {
    config,
    timeZone: resolveTimeZone(config.timeZone) ?? trackerDefaults.timeZone,
    orders: new Map(),
    keyByPerm: new Map(),
    keyByApi: new Map(),
    keyByExec: new Map(),
    orphans: new Map(),
    held: new Map(),
    statuses: new Map(),
    errors: new Map(),
    executions: new Map(),
    commissions: new Map(),
    comboRows: new Set(),
    strayCommissions: new Set(),
    positions: new Map(),
    positionsListed: new Set(),
    positionsLacking: new Set(),
    positionsRenewal: 'none',
    cash: new Map(),
    cashListed: new Set(),
    linked: false,
    round: undefined,
    roundId: 0,
    wholeRound: 0,
    wholeRounds: 0,
    wholeSinceMs: 0,
    roundDueMs: Number.POSITIVE_INFINITY,
    roundAgain: false,
    owed: new Set(),
    coveredMs: undefined,
    doubtMs: undefined,
    doubtRounds: 0,
    full: new Set(),
    unread: [],
    epoch: 0,
    told: 0,
    nowMs: 0,
    out: [],
    dirty: new Set(),
  };
}

export function apiId(clientId: number, orderId: number): string {
  return `${clientId}:${orderId}`;
}

/** The next stamp of the fold: events of one step that concern one order follow each other. */
export function nextStamp(state: TrackerState): Stamp {
  state.told += 1;
  return { epoch: state.epoch, seq: state.told };
}

export function emit<N extends keyof TrackerEvents>(
  state: TrackerState,
  name: N,
  data: TrackerEvents[N],
  account: string,
  occurredAtMs: number,
): void {
  // Name and data belong together by the signature; TypeScript cannot see it through the union.
  state.out.push({ kind: 'emit', name, data, account, occurredAtMs } as TrackerEffect);
}

/** Tells of a bound that was reached, once until `roomAgain`. */
export function tellFull(state: TrackerState, what: string, message: string): void {
  if (state.full.has(what)) return;
  state.full.add(what);
  const alert = { alert: 'tracker_bound_reached', severity: 'HIGH', subject: what, message } as const;
  emit(state, 'alert.raised', alert, state.config.account, state.nowMs);
}

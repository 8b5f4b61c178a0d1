/**
 * What a restart must know, as JSON documents under keys: `order:<key>`, `held:<client>:<order>`,
 * `position:<account>:<conId>`, `cash:<account>:<currency>` and `coverage`. A document that cannot be read is left out
 * and told of: what it knew is learnt from IB and told again, which the book takes as repeats.
 */
import type { CashValue } from '../accounts/cash-value.ts';
import type { PositionReport } from '../accounts/position-report.ts';
import type { OrderReport } from './order-report.ts';
import type { OrderState } from './order-state.ts';
import type { Stamp } from './stamp.ts';
import { execName, pointTo, trackedOrder } from './tracker-orders.ts';
import { parentOf } from './tracker-parents.ts';
import { emit, type HeldOrder, type TrackerState } from './tracker-state.ts';
import type { TrackerDoc, TrackerMemory } from './tracker-types.ts';

/** Shape of the documents; those of another are not read. */
const VERSION = 1;

export interface OrderDoc {
  readonly account: string;
  readonly state: OrderState;
  readonly report: OrderReport | null;
  readonly termsAt: Stamp;
  readonly statusAt: Stamp;
  readonly apiAt: Stamp;
  readonly transmit: boolean;
  readonly parentPermId: number;
  readonly alerted: readonly string[];
  readonly endedAtMs: number;
  readonly seenMs: number;
  readonly unresolvedTold: boolean;
  /** The fold's stamps must go on from here, also in a run of the same epoch. */
  readonly told: Stamp;
}

interface PositionDoc {
  readonly account: string;
  readonly report: PositionReport;
  readonly toldMs: number;
}

interface CashDoc {
  readonly account: string;
  readonly value: CashValue;
}

/** The documents that this step has changed, each once; null for what is forgotten. */
export function rememberDirty(state: TrackerState): void {
  for (const key of state.dirty) {
    const doc = docOf(state, key);
    state.out.push({ kind: 'remember', key, doc: doc === undefined ? null : { v: VERSION, ...doc } });
  }
  state.dirty.clear();
}

/** Rebuilds the state of an earlier run. */
export function recall(state: TrackerState, memory: readonly TrackerMemory[]): void {
  const unread: string[] = [];
  for (const { key, doc } of memory) if (doc.v !== VERSION || !recallOne(state, key, doc)) unread.push(key);
  // Parents can be looked up only when all of them are there.
  for (const order of state.orders.values()) {
    if (order.report?.terms.parentKey === null) parentOf(state, order, order.report.clientId, {});
  }
  state.unread = unread;
}

/** Says once what could not be read. */
export function tellUnread(state: TrackerState): void {
  const { unread } = state;
  if (unread.length === 0) return;
  state.unread = [];
  const message = `${unread.length} remembered documents cannot be read and are left out, ${unread.slice(0, 3).join(', ')} among them. What they knew is asked of IB and told again; the book takes it as repeats.`;
  const alert = {
    alert: 'tracker_memory_unreadable',
    severity: 'MEDIUM',
    subject: 'tracker',
    message,
  } as const;
  emit(state, 'alert.raised', alert, state.config.account, state.nowMs);
}

function docOf(state: TrackerState, key: string): object | undefined {
  const [kind, id] = split(key);
  switch (kind) {
    case 'order':
      return orderDoc(state, id);
    case 'held':
      return state.held.get(id);
    case 'position':
      return state.positions.get(id);
    case 'cash':
      return state.cash.get(id);
    default:
      return state.coveredMs === undefined ? undefined : { coveredMs: state.coveredMs };
  }
}

function orderDoc(state: TrackerState, key: string): OrderDoc | undefined {
  const order = state.orders.get(key);
  if (order?.state === undefined) return undefined;
  return {
    account: order.account,
    state: order.state,
    report: order.report ?? null,
    termsAt: order.termsAt,
    statusAt: order.statusAt,
    apiAt: order.apiAt,
    transmit: order.transmit,
    parentPermId: order.parentPermId,
    alerted: [...order.alerted],
    endedAtMs: order.endedAtMs,
    seenMs: order.lastSeenMs,
    unresolvedTold: order.unresolvedTold,
    told: { epoch: state.epoch, seq: state.told },
  };
}

function recallOne(state: TrackerState, key: string, doc: TrackerDoc): boolean {
  const [kind, id] = split(key);
  switch (kind) {
    case 'order':
      if (typeof doc.state !== 'object' || doc.state === null) return false;
      recallOrder(state, id, doc as unknown as OrderDoc);
      return true;
    case 'held':
      state.held.set(id, {
        id,
        open: undefined,
        status: undefined,
        error: undefined,
        ...doc,
        round: 0,
      } as HeldOrder);
      return true;
    case 'position':
      state.positions.set(id, doc as unknown as PositionDoc);
      return true;
    case 'cash':
      state.cash.set(id, doc as unknown as CashDoc);
      return true;
    case 'coverage':
      state.coveredMs = doc.coveredMs as number;
      return true;
    default:
      return false;
  }
}

export function recallOrder(state: TrackerState, key: string, doc: OrderDoc): void {
  const order = trackedOrder(state, key, doc.account);
  const { termsAt, statusAt, transmit, parentPermId, endedAtMs, unresolvedTold } = doc;
  Object.assign(order, { termsAt, statusAt, transmit, parentPermId, endedAtMs, unresolvedTold });
  order.lastSeenMs = doc.seenMs;
  order.state = doc.state;
  order.report = doc.report ?? undefined;
  for (const alert of doc.alerted) order.alerted.add(alert);
  pointTo(state, order, doc.state.identity, doc.apiAt);
  for (const fill of Object.values(doc.state.fills)) state.keyByExec.set(execName(key, fill), key);
  if (doc.told.epoch > state.epoch) {
    state.epoch = doc.told.epoch;
    state.told = 0;
  }
  if (doc.told.epoch === state.epoch) state.told = Math.max(state.told, doc.told.seq);
}

function split(key: string): [kind: string, id: string] {
  const colon = key.indexOf(':');
  return colon < 0 ? [key, ''] : [key.slice(0, colon), key.slice(colon + 1)];
}

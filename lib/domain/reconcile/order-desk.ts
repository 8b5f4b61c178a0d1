/** What the judges of orders look things up in: both sides by key, and the market clock. */
import type { FillCommission } from '../book/fills.ts';
import type { OrderBody } from '../book/orders.ts';
import type { CommissionFact } from '../orders/broker-facts.ts';
import { fillKey, parseExecId } from '../orders/exec-id.ts';
import type { Stamp } from '../orders/stamp.ts';
import type { BrokerOrders } from './broker-orders.ts';
import type { BrokerOrder, ReconcileContext } from './context.ts';
import type { Matches } from './match.ts';
import type { BrokerPicture, ReconcileInput, ReconcileRules, Versioned } from './types.ts';

export interface OrderDesk {
  readonly input: ReconcileInput;
  readonly broker: BrokerPicture;
  readonly matches: Matches;
  readonly commissions: ReadonlyMap<string, CommissionFact>;
  /** Of all executions that the snapshot lists. */
  readonly execIds: ReadonlySet<string>;
  /** Costs of executions that the snapshot does not list under the order that the book has them in, by that order. */
  readonly lateCosts: ReadonlyMap<string, readonly CommissionFact[]>;
  readonly complete: ReconcileContext['complete'];
  readonly marketMs: number;
  /** What changed later than this may be in the book and not in the lists, or the other way round. */
  readonly quietSinceMs: number;
  /** Of what nobody has told yet: before everything that the streamer of this epoch tells. */
  readonly fresh: Stamp;
  readonly ignored: ReadonlySet<string>;
  readonly parentKeyOf: (order: BrokerOrder) => string | null;
}

export function openDesk(
  input: ReconcileInput,
  broker: BrokerPicture,
  { commissions, execIds }: BrokerOrders,
  matches: Matches,
): OrderDesk {
  const outcomes = [broker.openOrders, broker.completedOrders, broker.executions].map(
    ({ outcome }) => outcome === 'ok',
  );
  const [open = false, completed = false, executions = false] = outcomes;
  return {
    input,
    broker,
    matches,
    commissions,
    execIds,
    lateCosts: lateCosts(input, execIds, commissions, matches),
    complete: { open, completed, executions },
    marketMs: marketTimeOf(broker),
    quietSinceMs: quietSince(broker, input.rules),
    fresh: { epoch: broker.epoch, seq: 0 },
    ignored: new Set(input.rules.ignoredOrders),
    parentKeyOf: parentFinder(input, matches),
  };
}

/** Before the broker's first word on the time there is only our own clock. */
export function marketTimeOf({ brokerTimeMs, completedAtMs }: BrokerPicture): number {
  return brokerTimeMs > 0 ? brokerTimeMs : completedAtMs;
}

/**
 * The lists of a snapshot are answered one after the other: each of them is as old as the first question, at worst. So the
 * quiet period is that before the first question, Unix ms of the market clock.
 */
export function quietSince(broker: BrokerPicture, { quietMs }: ReconcileRules): number {
  const tookMs = Math.max(0, broker.completedAtMs - broker.startedAtMs);
  return marketTimeOf(broker) - tookMs - quietMs;
}

export function isIgnored({ ignored }: OrderDesk, key: string, permId: number): boolean {
  return ignored.size > 0 && (ignored.has(key) || (permId > 0 && ignored.has(String(permId))));
}

/** Market time of the last thing that is known to have happened to an order, Unix ms; 0 where nothing says when. */
export function lastChangeMs(
  entry: Versioned<OrderBody> | undefined,
  order: BrokerOrder | undefined,
): number {
  let last = Math.max(entry?.changedAtMs ?? 0, order?.completed?.completedAtMs ?? 0);
  last = Math.max(last, order?.executions.at(-1)?.timeMs ?? 0);
  if (entry !== undefined) {
    for (const name in entry.body.state.fills) last = Math.max(last, entry.body.state.fills[name]!.timeMs);
  }
  return last;
}

/** Nothing has just happened to it: else the lists and the book may each be ahead of the other. */
export function isQuiet({ quietSinceMs }: OrderDesk, lastMs: number): boolean {
  return lastMs <= quietSinceMs;
}

function lateCosts(
  { book }: ReconcileInput,
  listed: ReadonlySet<string>,
  commissions: ReadonlyMap<string, CommissionFact>,
  { orders }: Matches,
): ReadonlyMap<string, readonly CommissionFact[]> {
  const late = new Map<string, CommissionFact[]>();
  for (const [execId, fact] of commissions) {
    const fill = book.fills.get(fillKey(parseExecId(execId)))?.body;
    const key = fill?.orderKey ?? '';
    if (key === '' || isKnown(fact, fill?.commission)) continue;
    if (listed.has(execId) && orders.get(key)?.executions.some((one) => one.execId === execId)) continue;
    const facts = late.get(key);
    if (facts === undefined) late.set(key, [fact]);
    else facts.push(fact);
  }
  for (const facts of late.values()) facts.sort((a, b) => (a.execId < b.execId ? -1 : 1));
  return late;
}

/** At a glance: false in doubt. */
function isKnown(fact: CommissionFact, known: FillCommission | null | undefined): boolean {
  return (
    known?.commission === fact.commission &&
    known.currency === fact.currency &&
    (fact.realizedPnl === null || known.realizedPnl === fact.realizedPnl)
  );
}

/** A child names its parent by the client's order id while it is open, by permId once it is completed. */
function parentFinder({ book }: ReconcileInput, { orders }: Matches): (order: BrokerOrder) => string | null {
  let keys: { byPermId: Map<number, string>; byApi: Map<string, string | null> } | undefined;
  return (order) => {
    const parentPermId = order.completed?.parentPermId ?? 0;
    const parentId = order.open?.terms.parentId || order.status?.parentId || 0;
    if (parentPermId === 0 && parentId <= 0) return null;
    keys ??= indexed(orders);
    if (parentPermId !== 0) {
      const known =
        keys.byPermId.get(parentPermId) ?? book.pointers.get(`perm ${parentPermId}`)?.body.orderKey;
      if (known !== undefined) return known;
    }
    if (parentId <= 0) return null;
    const id = `${order.clientId}#${parentId}`;
    const listed = keys.byApi.get(id);
    // Ids that two orders have had name neither.
    return listed === null ? null : (listed ?? book.pointers.get(`api ${id}`)?.body.orderKey ?? null);
  };
}

function indexed(orders: ReadonlyMap<string, BrokerOrder>) {
  const byPermId = new Map<number, string>();
  const byApi = new Map<string, string | null>();
  for (const [key, { permId, clientId, orderId }] of orders) {
    if (permId > 0) byPermId.set(permId, key);
    if (orderId <= 0) continue;
    const id = `${clientId}#${orderId}`;
    byApi.set(id, byApi.has(id) ? null : key);
  }
  return { byPermId, byApi };
}

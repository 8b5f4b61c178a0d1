/** What the judges of positions, cash and protection are given: indexes, and the orders as they will be. */
import type { OrderBody } from '../book/orders.ts';
import type { PositionFact } from '../orders/broker-facts.ts';
import type { FillReport } from '../orders/fill-report.ts';
import type { ReconcileContext } from './context.ts';
import type { JudgedOrders } from './judged-orders.ts';
import { isQuiet, lastChangeMs, type OrderDesk } from './order-desk.ts';
import type { Listed } from './types.ts';

export function contextOf(desk: OrderDesk, { after, drafts }: JudgedOrders): ReconcileContext {
  const { broker, matches } = desk;
  const newFills = new Map<string, FillReport[]>();
  for (const { fills } of drafts.values()) {
    for (const fill of fills) listed(newFills, String(fill.contract.conId)).push(fill);
  }
  for (const fills of newFills.values()) {
    fills.sort((a, b) => a.timeMs - b.timeMs || (a.execId < b.execId ? -1 : 1));
  }
  const values = broker.accountValues;
  return {
    broker,
    marketMs: desk.marketMs,
    quietSinceMs: desk.quietSinceMs,
    brokerOrders: matches.orders,
    after,
    ordersOf: traders(after),
    newFills,
    unsettled: unsettledOf(desk),
    positions: positionsOf(broker.positions),
    accountValues: values.outcome === 'ok' ? values.rows : null,
    complete: desk.complete,
  };
}

/** An index that is made when somebody asks for the first time: where all agrees nobody does. */
function traders(after: ReadonlyMap<string, OrderBody>): (conId: string) => readonly string[] {
  let keys: Map<string, string[]> | undefined;
  return (conId) => {
    if (keys === undefined) {
      keys = new Map();
      // No execution is ever taken out of an order: what the book has is in here too.
      for (const [key, { state }] of after) for (const id in state.traded) listed(keys, id).push(key);
    }
    return keys.get(conId) ?? [];
  };
}

/** Of a contract that is listed twice the rows are sorted, so that their order does not matter; the last one stays. */
export function positionsOf({
  outcome,
  rows,
}: Listed<PositionFact>): ReadonlyMap<string, PositionFact> | null {
  if (outcome !== 'ok') return null;
  const text = ({ position, averageCost }: PositionFact) => `${position} ${averageCost}`;
  const sorted = [...rows].sort(
    (a, b) => a.contract.conId - b.contract.conId || (text(a) < text(b) ? -1 : 1),
  );
  return new Map(sorted.map((row) => [String(row.contract.conId), row]));
}

/** Contracts of orders that have just changed: positions come before executions, or after. */
export function unsettledOf(desk: OrderDesk): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const note = (conId: number, what: string) => {
    const known = found.get(String(conId));
    if (known === undefined || what < known) found.set(String(conId), what);
  };
  for (const [key, order] of desk.matches.orders) {
    if (isQuiet(desk, lastChangeMs(undefined, order))) continue;
    for (const { contract } of order.executions) note(contract.conId, `order ${key} has just been executed`);
    const asked = order.open ?? order.completed;
    if (asked) note(asked.contract.conId, `order ${key} has just changed`);
  }
  for (const [key, entry] of desk.input.book.orders) {
    if (isQuiet(desk, lastChangeMs(entry, undefined))) continue;
    if (entry.body.contract) note(entry.body.contract.conId, `order ${key} has just changed`);
    for (const conId in entry.body.state.traded) note(Number(conId), `order ${key} has just changed`);
  }
  return found;
}

function listed<V>(lists: Map<string, V[]>, key: string): V[] {
  const known = lists.get(key);
  if (known !== undefined) return known;
  const fresh: V[] = [];
  lists.set(key, fresh);
  return fresh;
}

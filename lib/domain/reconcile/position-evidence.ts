/**
 * What the fills say of a position: the book's, the executions that this plan books, and those of the broker's window.
 * Gathered in one pass, and only for the contracts of which somebody asks.
 */
import { type Amount, amount, zero } from '../orders/decimals.ts';
import { parseExecId } from '../orders/exec-id.ts';
import { type CountedFill, countFills } from '../orders/fill-count.ts';
import type { OrderIdentity } from '../orders/order-report.ts';
import type { OrderState } from '../orders/order-state.ts';
import { compareStamps, type Stamp } from '../orders/stamp.ts';
import type { ReconcileContext } from './context.ts';
import type { ReconcileInput } from './types.ts';

export interface WindowFill {
  readonly timeMs: number;
  readonly execBase: string;
  /** Bought is positive. */
  readonly quantity: Amount;
  readonly price: Amount;
}

export interface PositionEvidence {
  /** What the book's fills add up to. */
  readonly before: Amount;
  /** The same with the executions that this plan books. */
  readonly after: Amount;
  /** Stamp of the last fill that the book was told of; null where it knows none of this contract. */
  readonly latest: Stamp | null;
  /** Real executions since the broker's window begins, in the order in which they happened. */
  readonly window: readonly WindowFill[];
  /** Some of them do not count, or belong to no order yet: nothing can be concluded from the sums. */
  readonly unclear: boolean;
  /** The broker's whole list has each of `window`: the fills of a book alone may lack one that it was never told of. */
  readonly isListed: boolean;
  /** Part of `after` that orders of our own clients filled. */
  readonly own: Amount;
}

interface Gathering {
  latest: Stamp | null;
  before: Amount;
  after: Amount;
  window: WindowFill[];
  bases: Set<string>;
  listed: Set<string>;
  unclear: boolean;
  isListed: boolean;
  own: Amount;
}

const nothing: PositionEvidence = {
  before: zero,
  after: zero,
  latest: null,
  window: [],
  unclear: false,
  isListed: false,
  own: zero,
};

/** @param conIds the contracts, as text */
export function gatherEvidence(
  conIds: ReadonlySet<string>,
  { book, rules }: ReconcileInput,
  { after, ordersOf, broker, complete }: ReconcileContext,
): (conId: string) => PositionEvidence {
  const gathered = new Map<number, Gathering>();
  if (conIds.size === 0) return () => nothing;
  for (const text of conIds) {
    const conId = Number(text);
    const entry = emptyGathering();
    gathered.set(conId, entry);
    for (const key of ordersOf(text)) {
      const before = book.orders.get(key)?.body;
      for (const count of before ? countsOf(before.state) : []) {
        if (count.holding && count.fill.conId === conId) addBefore(entry, count);
      }
      const order = after.get(key)!;
      const own = isOwn(order, rules.ownClientIds);
      for (const count of countsOf(order.state)) {
        if (count.holding && count.fill.conId === conId) addAfter(entry, count, own, rules.executionsSinceMs);
      }
    }
  }
  for (const row of complete.executions ? broker.executions.rows : []) {
    if (row.kind !== 'execution' || row.contract.secType === 'BAG') continue;
    const entry = gathered.get(row.contract.conId);
    if (entry === undefined) continue;
    const { execBase } = parseExecId(row.execId);
    entry.listed.add(execBase);
    if (!entry.bases.has(execBase)) entry.unclear = true;
  }
  for (const entry of gathered.values()) {
    entry.window.sort(byTime);
    entry.isListed = complete.executions && entry.window.every(({ execBase }) => entry.listed.has(execBase));
  }
  return (conId) => gathered.get(Number(conId)) ?? nothing;
}

/** Placed by a client of ours: what strangers and people at a terminal hold is not a strategy's risk. */
export function isOwn({ clientId, orderId }: OrderIdentity, ownClientIds: readonly number[]): boolean {
  return orderId > 0 && ownClientIds.includes(clientId);
}

/** Whether the last executions of the window, however many, add up to just this. */
export function isTailOfWindow(window: readonly WindowFill[], change: Amount): boolean {
  let total = zero;
  for (const { quantity } of window.toReversed()) {
    total = total.plus(quantity);
    if (total.eq(change)) return true;
  }
  return false;
}

/** By state: most orders are the same before and after, and several judges ask. */
const counted = new WeakMap<OrderState, readonly CountedFill[]>();

function countsOf(state: OrderState): readonly CountedFill[] {
  const known = counted.get(state);
  if (known !== undefined) return known;
  const counts = countFills(state);
  counted.set(state, counts);
  return counts;
}

function addBefore(entry: Gathering, { fill, counted: quantity }: CountedFill): void {
  entry.before = entry.before.plus(signed(fill.side, quantity));
  if (entry.latest === null || compareStamps(fill.at, entry.latest) > 0) entry.latest = fill.at;
}

function addAfter(entry: Gathering, count: CountedFill, own: boolean, sinceMs: number): void {
  const { fill, standing } = count;
  const quantity = signed(fill.side, count.counted);
  entry.after = entry.after.plus(quantity);
  entry.bases.add(fill.execBase);
  if (own) entry.own = entry.own.plus(quantity);
  if (standing === 'quarantined') entry.unclear = true;
  if (fill.synthetic || fill.timeMs < sinceMs || quantity.isZero()) return;
  entry.window.push({ timeMs: fill.timeMs, execBase: fill.execBase, quantity, price: amount(fill.price) });
}

function signed(side: 'BUY' | 'SELL', quantity: Amount): Amount {
  return side === 'BUY' ? quantity : quantity.negated();
}

function emptyGathering(): Gathering {
  return {
    before: zero,
    after: zero,
    latest: null,
    window: [],
    bases: new Set(),
    listed: new Set(),
    unclear: false,
    isListed: false,
    own: zero,
  };
}

function byTime(a: WindowFill, b: WindowFill): number {
  return a.timeMs - b.timeMs || (a.execBase < b.execBase ? -1 : 1);
}

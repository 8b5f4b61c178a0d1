/**
 * Positions and stops as the book has them. The book keeps every order that ever was, so all of them are read only when
 * the stops that covered the positions at the last look do not any more.
 */
import type { PositionBody } from '../../lib/domain/book/accounts.ts';
import type { BookRef } from '../../lib/domain/book/item.ts';
import type { OrderBody } from '../../lib/domain/book/orders.ts';
import {
  barePositions,
  type KnownParent,
  knownParent,
  type ProtectionFacts,
  stopsByContract,
  type WatchedOrder,
  type WatchedPosition,
  watchedOrder,
} from '../../lib/domain/safety/protection-facts.ts';
import { isStopType } from '../../lib/domain/safety/protection-rule.ts';
import type { BookReader } from '../../lib/ports/book.ts';

/** A picture of the book has at most 100 items. */
const readTogether = 50;
/** Stops that are remembered; with more of them the whole book is read each time. */
const stopsMax = 500;

export interface BookFacts {
  readonly facts: ProtectionFacts;
  /** Keys of the stops that cover the open positions: where to look first next time. */
  readonly stops: readonly string[];
  /** All orders were read. */
  readonly whole: boolean;
}

/** @param lastStops what the last look gave as `stops` */
export async function bookFacts(
  account: string,
  lastStops: readonly string[],
  noStopNeeded: readonly string[],
  book: Pick<BookReader, 'read' | 'list'>,
): Promise<BookFacts> {
  const positions: WatchedPosition[] = [];
  for await (const { body } of book.list(account, 'position')) {
    const { contract, position } = body as unknown as PositionBody;
    if (position !== '0') positions.push({ contract, position });
  }
  const factsOf = (orders: readonly WatchedOrder[]): ProtectionFacts => ({ account, positions, orders });
  const known = factsOf(await knownOrders(account, positions.length === 0 ? [] : lastStops, book));
  const isCovered = barePositions(known, noStopNeeded).length === 0;
  const facts = isCovered ? known : factsOf(await allStops(account, book));
  return { facts, stops: stopsOf(facts), whole: !isCovered };
}

async function knownOrders(
  account: string,
  keys: readonly string[],
  book: Pick<BookReader, 'read'>,
): Promise<WatchedOrder[]> {
  const orders = await readOrders(account, keys, book);
  const parentKeys = [...orders.values()].flatMap(({ terms }) => terms?.parentKey ?? []);
  const parents = await readOrders(account, [...new Set(parentKeys)], book);
  return watchedOf(orders.values(), new Map([...parents].map(([key, parent]) => [key, knownParent(parent)])));
}

async function readOrders(
  account: string,
  keys: readonly string[],
  book: Pick<BookReader, 'read'>,
): Promise<Map<string, OrderBody>> {
  const found = new Map<string, OrderBody>();
  for (let from = 0; from < keys.length; from += readTogether) {
    const refs = keys.slice(from, from + readTogether).map((id): BookRef => ({ kind: 'order', id }));
    for (const item of await book.read(account, refs))
      if (item !== undefined) found.set(item.ref.id, item.body as unknown as OrderBody);
  }
  return found;
}

async function allStops(account: string, book: Pick<BookReader, 'list'>): Promise<WatchedOrder[]> {
  const stops: OrderBody[] = [];
  const parents = new Map<string, KnownParent>();
  for await (const { ref, body } of book.list(account, 'order')) {
    const order = body as unknown as OrderBody;
    // A parent may come after its child: how far each is filled is all that is kept of an order.
    parents.set(ref.id, knownParent(order));
    if (order.working && order.terms !== null && isStopType(order.terms.orderType)) stops.push(order);
  }
  return watchedOf(stops, parents);
}

function watchedOf(orders: Iterable<OrderBody>, parents: ReadonlyMap<string, KnownParent>): WatchedOrder[] {
  const watched: WatchedOrder[] = [];
  for (const order of orders) {
    // The book does not say whether the gateway holds an order back; the streamer's guardian knows.
    const one = watchedOrder(order, true, parents.get(order.terms?.parentKey ?? ''));
    // Orphaned children are the guardian's and reconcile's, who know all orders: here only stops are looked at.
    if (one !== undefined) watched.push({ ...one, parent: null });
  }
  return watched;
}

function stopsOf({ positions, orders }: ProtectionFacts): string[] {
  const stops = stopsByContract(orders);
  const keys = positions.flatMap(({ contract }) =>
    (stops.get(contract.conId) ?? []).map(({ orderKey }) => orderKey),
  );
  return keys.length > stopsMax ? [] : keys.sort();
}

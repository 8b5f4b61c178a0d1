/**
 * Which order of the broker is which of the book. A permId is the account's own number and proves it; an orderRef proves
 * it where only one order on each side can mean it; client and order id are as good as one run of ids; last comes the
 * signature: contract, side, quantity and price within ten seconds. One order has one partner. Where several fit, none is
 * chosen: they are ambiguous, and nothing is done about any of them.
 */
import type { OrderBody } from '../book/orders.ts';
import { parseExecId } from '../orders/exec-id.ts';
import { keyOfPermId, keyOfShare } from '../orders/order-key.ts';
import type { BrokerOrder } from './context.ts';
import {
  couldBe,
  type Digest,
  type Entry,
  nameOfEntry,
  nameOfOrder,
  type ProofName,
  proofs,
  signatureOf,
  type Test,
} from './match-proofs.ts';
import type { AmbiguousMatch, BookPicture, Versioned } from './types.ts';

export interface Matches {
  /** By order key: the book's, or the one that the order will be adopted under. Sorted by key. */
  readonly orders: ReadonlyMap<string, BrokerOrder>;
  readonly ambiguous: readonly AmbiguousMatch[];
  /** Order keys of the book that are in question, with those of the broker. */
  readonly quarantined: ReadonlySet<string>;
  /** Orders that IB has not numbered yet: nothing to adopt them under. */
  readonly unnumbered: readonly BrokerOrder[];
}

export function matchOrders(
  orders: readonly BrokerOrder[],
  book: BookPicture,
  account: string,
  digest: Digest,
): Matches {
  const pairs = new Map<string, BrokerOrder>();
  const byPermId = permIdsOf(book);
  const open: BrokerOrder[] = [];
  for (const order of orders) {
    const key = order.permId > 0 ? byPermId(order.permId) : undefined;
    if (key === undefined) open.push(order);
    else pairs.set(key, order);
  }
  const { found, components } = open.length === 0 ? none : pairUp(open, candidates(open, book, pairs));
  for (const [order, key] of found) pairs.set(key, order);
  const inQuestion = new Set(components.flatMap((component) => component.broker));
  const unnumbered: BrokerOrder[] = [];
  const strays = straysOf(open, book);
  for (const order of open) {
    if (found.has(order) || inQuestion.has(order)) continue;
    const key = strays.get(order) ?? adoptedKey(order, account);
    if (key === undefined) unnumbered.push(order);
    else if (!pairs.has(key)) pairs.set(key, order);
  }
  const ambiguous = components.map((component) => described(component, digest));
  return {
    orders: new Map([...pairs].sort(([a], [b]) => (a < b ? -1 : 1))),
    ambiguous: ambiguous.sort((a, b) => (a.subject < b.subject ? -1 : 1)),
    quarantined: new Set(components.flatMap(({ book: entries }) => entries.map(({ key }) => key))),
    unnumbered,
  };
}

interface Component {
  readonly broker: readonly BrokerOrder[];
  readonly book: readonly Entry[];
}

const none: { found: Map<BrokerOrder, string>; components: Component[] } = {
  found: new Map(),
  components: [],
};

/** The book's key of a permId; keys that the pointers name count for more than what an order says of itself. */
function permIdsOf({ orders, pointers }: BookPicture): (permId: number) => string | undefined {
  let byPermId: Map<number, string> | undefined;
  return (permId) => {
    const pointed = pointers.get(`perm ${permId}`)?.body.orderKey;
    if (pointed !== undefined) return pointed;
    if (byPermId === undefined) {
      byPermId = new Map();
      for (const [key, { body }] of orders) if (body.permId > 0) byPermId.set(body.permId, key);
    }
    return byPermId.get(permId);
  };
}

/** Orders of the book that have no partner and no permId that speaks against one. */
function candidates(
  open: readonly BrokerOrder[],
  { orders }: BookPicture,
  pairs: ReadonlyMap<string, BrokerOrder>,
): readonly Entry[] {
  const wanted = new Set(open.map(({ permId }) => permId > 0));
  const found: Entry[] = [];
  for (const [key, entry] of orders) {
    if (pairs.has(key)) continue;
    // IB has numbered it, and lists it without its number.
    if (entry.body.permId > 0 && !wanted.has(false)) continue;
    found.push({ key, body: entry.body, atMs: firstMoment(entry) });
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function firstMoment({ body, changedAtMs }: Versioned<OrderBody>): number | undefined {
  const fills = Object.values(body.state.fills).map(({ timeMs }) => timeMs);
  return fills.length === 0 ? changedAtMs : Math.min(...fills);
}

function pairUp(
  orders: readonly BrokerOrder[],
  entries: readonly Entry[],
): { found: Map<BrokerOrder, string>; components: Component[] } {
  const found = new Map<BrokerOrder, string>();
  const components: Component[] = [];
  let left = { broker: orders, book: entries };
  for (const [index, { key, test }] of proofs.entries()) {
    if (left.broker.length === 0 || left.book.length === 0) break;
    const edges = edgesOf(left, key, (order, entry) => couldBe(order, entry) && test(order, entry));
    const taken = new Set<BrokerOrder | Entry>();
    for (const component of componentsOf(edges)) {
      for (const member of [...component.broker, ...component.book]) taken.add(member);
      settle(component, proofs.slice(index + 1), found, components);
    }
    left = {
      broker: left.broker.filter((order) => !taken.has(order)),
      book: left.book.filter((entry) => !taken.has(entry)),
    };
  }
  return { found, components };
}

/** One with one is a pair; several are told apart by the proofs that are left, or are ambiguous. */
function settle(
  component: Component & { readonly edges: readonly (readonly [BrokerOrder, Entry])[] },
  more: readonly (typeof proofs)[number][],
  found: Map<BrokerOrder, string>,
  components: Component[],
): void {
  const { broker, book, edges } = component;
  if (broker.length === 1 && book.length === 1) {
    found.set(broker[0]!, book[0]!.key);
    return;
  }
  for (const { test } of more) {
    const sharper = edges.filter(([order, entry]) => test(order, entry));
    const orders = new Set(sharper.map(([order]) => order));
    const entries = new Set(sharper.map(([, entry]) => entry));
    const isPairing = sharper.length === orders.size && orders.size === entries.size;
    // What would be left over must not be guessed about either: all of the smaller side has to find its partner.
    if (!isPairing || orders.size < Math.min(broker.length, book.length)) continue;
    for (const [order, entry] of sharper) found.set(order, entry.key);
    return;
  }
  components.push({ broker, book });
}

/** By an index for each kind of proof, so that two long lists are not compared row by row. */
function edgesOf(
  { broker, book }: Component,
  kind: ProofName,
  test: Test,
): (readonly [BrokerOrder, Entry])[] {
  const index = new Map<string, Entry[]>();
  for (const entry of book) {
    const name = nameOfEntry(entry, kind);
    if (name === undefined) continue;
    const listed = index.get(name);
    if (listed === undefined) index.set(name, [entry]);
    else listed.push(entry);
  }
  return broker.flatMap((order) => {
    const name = nameOfOrder(order, kind);
    const listed = name === undefined ? [] : (index.get(name) ?? []);
    return listed.filter((entry) => test(order, entry)).map((entry) => [order, entry] as const);
  });
}

function componentsOf(edges: readonly (readonly [BrokerOrder, Entry])[]) {
  const home = new Map<BrokerOrder | Entry, { edges: (readonly [BrokerOrder, Entry])[] }>();
  for (const edge of edges) {
    const [first, second] = [home.get(edge[0]), home.get(edge[1])];
    const joined = first ?? second ?? { edges: [] };
    joined.edges.push(edge);
    if (first !== undefined && second !== undefined && first !== second) {
      first.edges.push(...second.edges);
      for (const [order, entry] of second.edges) {
        home.set(order, first);
        home.set(entry, first);
      }
    }
    home.set(edge[0], joined);
    home.set(edge[1], joined);
  }
  return [...new Set(home.values())].map((component) => ({
    edges: component.edges,
    broker: [...new Set(component.edges.map(([order]) => order))],
    book: [...new Set(component.edges.map(([, entry]) => entry))],
  }));
}

function described({ broker, book }: Component, digest: Digest): AmbiguousMatch {
  const keys = book.map(({ key }) => key).sort();
  const permIds = broker.map(({ permId, clientId, orderId }) =>
    permId > 0 ? String(permId) : `${clientId}#${orderId}`,
  );
  const first = book.find(({ key }) => key === keys[0])!;
  const base = nameOfEntry(first, 'signature');
  const signature =
    base === undefined ? '' : ` (signature ${signatureOf(base, first.atMs, digest).slice(0, 12)})`;
  return {
    subject: `order ${keys[0]}`,
    book: keys,
    broker: permIds.sort(),
    reason: `${keys.length} of the book and ${permIds.length} of the broker fit each other${signature}, and nothing tells them apart`,
  };
}

/** Executions that name no order, under the order that the book has put them in. */
function straysOf(open: readonly BrokerOrder[], { fills }: BookPicture): ReadonlyMap<BrokerOrder, string> {
  const strays = open.filter(({ permId, executions }) => permId === 0 && executions.length > 0);
  const found = new Map<BrokerOrder, string>();
  if (strays.length === 0) return found;
  const byBase = new Map<string, string>();
  for (const { body } of fills.values()) if (body.orderKey !== '') byBase.set(body.execBase, body.orderKey);
  for (const order of strays) {
    const bases = order.executions.map(({ execId }) => parseExecId(execId).execBase);
    const key = bases.map((base) => byBase.get(base)).find((known) => known !== undefined);
    if (key !== undefined) found.set(order, key);
  }
  return found;
}

function adoptedKey({ permId, isShare, open, executions }: BrokerOrder, account: string): string | undefined {
  if (permId > 0) return isShare ? keyOfShare(keyOfPermId(permId), account) : keyOfPermId(permId);
  // It has no permId, and is listed as open: IB will give it one, or refuse it.
  if (open !== null || executions.length === 0) return undefined;
  return `E${parseExecId(executions[0]!.execId).execBase}`;
}

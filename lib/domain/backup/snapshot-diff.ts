/** A restored book beside what the broker said last: positions and orders that are open. Pure. */
import type { PositionBody } from '../book/accounts.ts';
import type { OrderBody } from '../book/orders.ts';
import type { OpenOrderFact, PositionFact } from '../orders/broker-facts.ts';

export interface SameAndDifferent {
  readonly same: number;
  /** One line each, for people. */
  readonly differ: readonly string[];
}

export function comparePositions(
  book: readonly Pick<PositionBody, 'contract' | 'position'>[],
  broker: readonly Pick<PositionFact, 'contract' | 'position'>[],
): SameAndDifferent {
  // Both are decimal text in canonical form, so the same size is the same text.
  const sizes = (rows: typeof book) =>
    new Map(rows.map(({ contract, position }) => [contract.conId, position]));
  const ours = sizes(book);
  const theirs = sizes(broker);
  const names = new Map(
    [...book, ...broker].map(({ contract }) => [contract.conId, contract.localSymbol || contract.symbol]),
  );
  let same = 0;
  const differ: string[] = [];
  for (const [conId, name] of names) {
    const [own, their] = [ours.get(conId) ?? '0', theirs.get(conId) ?? '0'];
    // What is closed may be said as zero or not at all.
    if (own === their) same += own === '0' ? 0 : 1;
    else differ.push(`${name} (${conId}): ${own} in the backup, ${their} in the snapshot`);
  }
  return { same, differ };
}

export function compareOpenOrders(
  book: readonly Pick<OrderBody, 'orderKey' | 'permId' | 'working'>[],
  broker: readonly Pick<OpenOrderFact, 'permId'>[],
): SameAndDifferent {
  // An order without a permId is known to one client alone; no two lists can be compared by it.
  const theirs = new Set(broker.flatMap(({ permId }) => (permId > 0 ? [permId] : [])));
  const ours = new Map(
    book.flatMap((one) => (one.working && one.permId > 0 ? [[one.permId, one.orderKey]] : [])),
  );
  const gone = [...ours].filter(([permId]) => !theirs.has(permId));
  const unknown = [...theirs].filter((permId) => !ours.has(permId));
  return {
    same: ours.size - gone.length,
    differ: [
      ...gone.map(([, orderKey]) => `${orderKey} is open in the backup, and not in the snapshot`),
      ...unknown.map((permId) => `P${permId} is open in the snapshot, and not in the backup`),
    ],
  };
}

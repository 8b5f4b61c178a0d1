/** Rebuilds the book from its audit trail alone: every item as its last image says, chain heads included. */
import { AuditFoldError } from './fold-error.ts';
import { type AuditImage, type AuditRow, type ChainHead, type ChainTools, headAfter } from './row.ts';
import { rowsInOrder } from './row-order.ts';
import type { ChainSource } from './verify.ts';

/** The items of one account by their sort key. */
export type FoldedBook = ReadonlyMap<string, AuditImage>;

/**
 * The book of an account as its trail has it, at the end or at a moment.
 *
 * @param until only rows up to this time, ISO-8601 UTC, inclusive
 * @throws AuditFoldError where the rows do not follow from each other
 */
export async function foldTrail(
  source: ChainSource,
  account: string,
  keyOf: ChainTools['keyOf'],
  until?: string,
): Promise<FoldedBook> {
  try {
    return await folded(source, account, keyOf, until);
  } catch (error) {
    if (!(error instanceof AuditFoldError)) throw error;
    // Writers whose clocks differ, and an item that was deleted and made again: the whole trail has to be looked at.
    return searched(source, account, keyOf, until);
  }
}

/** Row by row, the earliest that fits: nothing but the book itself is held in memory. */
async function folded(
  source: ChainSource,
  account: string,
  keyOf: ChainTools['keyOf'],
  until: string | undefined,
): Promise<FoldedBook> {
  const items = new Map<string, AuditImage>();
  const chains = await source.chains(account);
  const heads = await Promise.all(chains.map(({ writer }) => openChain(source.rows(account, writer), until)));
  for (;;) {
    const open = heads.filter(({ row }) => row !== undefined);
    if (open.length === 0) return items;
    const next = earliestThatFits(open, items);
    if (!next?.row) throw new AuditFoldError(open[0]!.row!);
    apply(next.row, items);
    next.head = headAfter(next.row, next.head);
    items.set(keyOf({ kind: 'audit-head', id: next.row.writer }), {
      version: next.head.seq,
      body: { ...next.head },
    });
    await next.advance();
  }
}

async function searched(
  source: ChainSource,
  account: string,
  keyOf: ChainTools['keyOf'],
  until: string | undefined,
): Promise<FoldedBook> {
  const chains: AuditRow[][] = [];
  for (const { writer } of await source.chains(account)) {
    const rows: AuditRow[] = [];
    for await (const row of source.rows(account, writer)) {
      if (until !== undefined && row.at > until) break;
      rows.push(row);
    }
    chains.push(rows);
  }
  const items = new Map<string, AuditImage>();
  for (const row of rowsInOrder(chains, () => 0)) apply(row, items);
  for (const rows of chains) {
    let head: ChainHead | undefined;
    for (const row of rows) head = headAfter(row, head);
    if (head === undefined) continue;
    const { writer } = rows[0]!;
    items.set(keyOf({ kind: 'audit-head', id: writer }), { version: head.seq, body: { ...head } });
  }
  return items;
}

interface OpenChain {
  row: AuditRow | undefined;
  head: ChainHead | undefined;
  advance(): Promise<void>;
}

async function openChain(rows: AsyncIterable<AuditRow>, until: string | undefined): Promise<OpenChain> {
  const iterator = rows[Symbol.asyncIterator]();
  const chain: OpenChain = {
    row: undefined,
    head: undefined,
    async advance() {
      const { value, done } = await iterator.next();
      chain.row = done || (until !== undefined && value.at > until) ? undefined : value;
    },
  };
  await chain.advance();
  return chain;
}

/**
 * Chains of several writers touch the same items, and their clocks may differ: what decides is the version that a row
 * was made on, time only chooses among those that fit.
 */
function earliestThatFits(
  open: readonly OpenChain[],
  items: ReadonlyMap<string, AuditImage>,
): OpenChain | undefined {
  const fitting = open.filter(({ row }) =>
    row?.changes.every(({ item, formerVersion }) => (items.get(item)?.version ?? 0) === formerVersion),
  );
  return fitting.toSorted((a, b) => (a.row!.at < b.row!.at ? -1 : 1))[0];
}

function apply(row: AuditRow, items: Map<string, AuditImage>): void {
  for (const { item, image } of row.changes) {
    if (image === null) items.delete(item);
    else items.set(item, image);
  }
}

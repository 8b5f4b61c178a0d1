import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bookEvent } from '../functions/book-keeper/book-event.ts';
import { chainTools } from '../lib/aws/audit-hash.ts';
import { auditItem } from '../lib/aws/audit-item.ts';
import { accountPartition, bookSort } from '../lib/aws/keys.ts';
import { toAttributes } from '../lib/aws/marshalling.ts';
import { type ChainHead, headAfter, nextRow } from '../lib/domain/audit/row.ts';
import { bookKeeperWriter } from '../lib/domain/audit/writers.ts';
import type { BookItem } from '../lib/domain/book/item.ts';
import type { Envelope } from '../lib/events/envelope.ts';
import { commissionEvent, fillEvent, orderEvent } from '../test/helpers/book-events.ts';
import { MemoryBook } from '../test/helpers/memory-book.ts';

/**
 * A book of many orders with its audit trail, as the answers of a scan: made by the rules themselves. An order has
 * five items and five rows.
 */
const itemsOfOrder = 5;
/** DynamoDB's limit for a page. */
const pageBytesMax = 1024 * 1024;
const startMs = Date.UTC(2026, 0, 5, 14, 30);

export interface ScanPages {
  readonly accounts: readonly string[];
  readonly heads: Readonly<Record<string, ChainHead>>;
  /** Items of both tables. */
  readonly items: number;
}

/** Segments of a backup's scan: an account lies in one of them, after those before it. */
const segments = 4;

/** Writes each answer to `<folder>/<table>/<account's index>-<page>.json`. */
export async function writeScanPages(folder: string, items: number, accounts: number): Promise<ScanPages> {
  const orders = Math.ceil(items / itemsOfOrder / accounts);
  const heads: Record<string, ChainHead> = {};
  let count = 0;
  for (let index = 0; index < accounts; index += 1) {
    const account = `DU-${index}`;
    const { head, ...tables } = await linesOf(account, orders, index * orders);
    heads[account] = head;
    for (const [table, lines] of Object.entries(tables)) {
      mkdirSync(join(folder, table), { recursive: true });
      count += lines.length;
      const pages = pagesOf(lines);
      for (const [number, page] of pages.entries()) {
        const [nextIndex, nextPage] = number + 1 < pages.length ? [index, number + 1] : [index + segments, 0];
        const next =
          nextIndex < accounts
            ? `,"LastEvaluatedKey":{"pk":{"S":"${nextIndex}"},"sk":{"S":"${nextPage}"}}`
            : '';
        const body = `{"Count":${page.length},"Items":[${page.join(',')}]${next},"ScannedCount":${page.length}}`;
        writeFileSync(join(folder, table, `${index}-${number}.json`), body);
      }
    }
  }
  return { accounts: Object.keys(heads), heads, items: count };
}

async function linesOf(
  account: string,
  orders: number,
  firstOrder: number,
): Promise<{ book: string[]; audit: string[]; head: ChainHead }> {
  const memory = new MemoryBook();
  const book: string[] = [];
  const audit: string[] = [];
  let head: ChainHead | undefined;
  for (let order = firstOrder; order < firstOrder + orders; order += 1) {
    for (const [step, event] of eventsOf(account, order).entries()) {
      const nowMs = (): number => startMs + order * 10 + step;
      await bookEvent(event, { book: memory, nowMs, sleep: async () => undefined, random: () => 0 });
    }
    for (const change of memory.changes.splice(0)) {
      const row = nextRow(change, head, chainTools);
      head = headAfter(row, head);
      audit.push(JSON.stringify(auditItem(row)));
    }
    // No later order touches what one has made.
    for (const item of memory.items.values()) book.push(JSON.stringify(bookItem(item)));
    memory.items.clear();
  }
  if (head === undefined) throw new Error('a book without orders is no book to measure');
  const ref = { kind: 'audit-head', id: bookKeeperWriter } as const;
  book.push(JSON.stringify(bookItem({ account, ref, version: head.seq, body: { ...head } })));
  // A table has its items in the order of their keys.
  return { book: book.sort(), audit, head };
}

function eventsOf(account: string, order: number): Envelope[] {
  const random = randomOf(order);
  const digits = (count: number): string =>
    String(random() * 10 ** count + 10 ** (count - 1)).slice(0, count);
  const decimal = () => `${digits(4)}.${1 + Math.floor(random() * 9)}`;
  const permId = 1_000_000 + Math.floor(random() * 1e9);
  const price = decimal();
  const limit = decimal();
  const quantity = String(1 + Math.floor(random() * 99));
  const own = { orderId: order + 1, orderRef: `${account}-${digits(16)}` };
  const execBase = `0000${digits(8)}.${digits(8)}.01`;
  const at = (step: number) => ({ account, seq: order * 5 + step });
  const said = { ...own, quantity, limitPrice: limit };
  return [
    orderEvent(
      'order.placed',
      permId,
      { ...said, status: 'PreSubmitted', brokerStatus: 'PreSubmitted' },
      at(1),
    ),
    orderEvent('order.changed', permId, { ...said, status: 'Submitted', brokerStatus: 'Submitted' }, at(2)),
    fillEvent(permId, { ...own, execBase, revision: 1, quantity, price }, at(3)),
    orderEvent('order.filled', permId, { ...said, status: 'Filled', brokerStatus: 'Filled' }, at(4)),
    commissionEvent(`P${permId}`, execBase, 1, decimal(), at(5)),
  ];
}

/** 0..1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

function bookItem({ account, ref, version, body }: BookItem) {
  return {
    pk: { S: accountPartition(account) },
    sk: { S: bookSort(ref) },
    version: { N: String(version) },
    body: { M: toAttributes(body) },
  };
}

function pagesOf(lines: readonly string[]): string[][] {
  const pages: string[][] = [];
  let bytes = pageBytesMax;
  for (const line of lines) {
    if (bytes + line.length > pageBytesMax) {
      pages.push([]);
      bytes = 0;
    }
    pages.at(-1)?.push(line);
    bytes += line.length + 1;
  }
  return pages;
}

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
import { MemoryBook } from '../test/helpers/memory-book.ts';
import { TradingAccount } from './trading-days.ts';

/** A book of many orders with its audit trail, as the answers of a scan: made by the book's own rules. */
const itemsOfOrder = 5;
const ordersOfDay = 100;
/** DynamoDB's limit for a page. */
const pageBytesMax = 1024 * 1024;

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
    const { head, ...tables } = await linesOf(account, orders, index);
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
  seed: number,
): Promise<{ book: string[]; audit: string[]; head: ChainHead }> {
  const memory = new MemoryBook();
  const trading = new TradingAccount(account, seed);
  const book: string[] = [];
  const audit: string[] = [];
  let head: ChainHead | undefined;
  for (let day = 0; day * ordersOfDay < orders; day += 1) {
    const told = trading.day(day, Math.min(ordersOfDay, orders - day * ordersOfDay));
    for (const { atMs, event } of told) {
      await bookEvent(event, { book: memory, nowMs: () => atMs, sleep, random: () => 0 });
    }
    for (const change of memory.changes.splice(0)) {
      const row = nextRow(change, head, chainTools);
      head = headAfter(row, head);
      audit.push(JSON.stringify(auditItem(row)));
    }
    for (const [key, item] of memory.items) {
      // Only positions are touched again on another day.
      if (item.ref.kind === 'position') continue;
      book.push(JSON.stringify(bookItem(item)));
      memory.items.delete(key);
    }
  }
  if (head === undefined) throw new Error('a book without orders is no book to measure');
  for (const item of memory.items.values()) book.push(JSON.stringify(bookItem(item)));
  const ref = { kind: 'audit-head', id: bookKeeperWriter } as const;
  book.push(JSON.stringify(bookItem({ account, ref, version: head.seq, body: { ...head } })));
  // A table has its items in the order of their keys.
  return { book: book.sort(), audit, head };
}

async function sleep(): Promise<void> {}

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

/** A sandbox as a console's test needs it: orders and a position at the broker, and what the book is made to forget. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BookTable } from '../../lib/aws/book-table.ts';
import { unlogged } from '../../lib/aws/unlogged.ts';
import type { BookItem } from '../../lib/ports/book.ts';
import type { Desk } from '../../sandbox/desk/desk.ts';

export const account = 'DU1234567';
const operator = 'arn:aws:iam::000000000000:user/operator';

export interface StageBook {
  readonly book: BookTable;
  stop(): void;
}

export function openStageBook({ cloud: { endpoint, region } }: Desk): StageBook {
  const credentials = { accessKeyId: 'operator', secretAccessKey: 'local' };
  const client = unlogged(new DynamoDBClient({ endpoint, region, credentials }));
  const book = new BookTable({
    client,
    bookTable: 'evenkeel-sandbox-book',
    auditTable: 'evenkeel-sandbox-audit',
  });
  return { book, stop: () => client.destroy() };
}

/** What a person types into TWS. */
export async function typeOrder(desk: Desk, order: Readonly<Record<string, string>>): Promise<void> {
  const stats = await desk.streamerStats();
  const symbol = stats?.marketData.lines[0]?.localSymbol ?? '';
  const response = await fetch(`http://127.0.0.1:${desk.gateway?.controlPort}/trade`, {
    method: 'POST',
    body: JSON.stringify({ action: 'place', symbol, ...order }),
  });
  if (!response.ok) throw new Error(`The gateway refused ${JSON.stringify(order)}: ${await response.text()}`);
}

/** Waits until the book has what `has` looks for, and gives that back. */
export async function untilBooked<T>(
  book: BookTable,
  kind: 'order' | 'position',
  has: (items: readonly BookItem[]) => T | undefined,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const items: BookItem[] = [];
    for await (const item of book.list(account, kind)) items.push(item);
    const found = has(items);
    if (found !== undefined) return found;
    if (Date.now() > deadline)
      throw new Error(`The book does not have that ${kind}: ${JSON.stringify(items)}`);
    await sleep(100);
  }
}

/** Takes an order or a position out of the book as if its events had never come. */
export async function forget(book: BookTable, kind: 'order' | 'position', id: string): Promise<void> {
  const writes = [];
  for await (const { ref, version, body } of book.all(account)) {
    const isIt = ref.kind === kind && ref.id === id;
    const leadsToIt = kind === 'order' && ['perm', 'ref', 'api'].includes(ref.kind) && body.orderKey === id;
    if (isIt || leadsToIt) writes.push({ ref, expectedVersion: version, body: null });
  }
  const cause = {
    kind: 'operator',
    id: operator,
    name: 'forget',
    reason: 'as if its events had never come',
  } as const;
  const change = { account, writer: 'operator', cause, atMs: Date.now(), orderKey: '', writes };
  if ((await book.commit(change)) !== 'committed') throw new Error('The book moved meanwhile.');
}

/** A working order far from the market and a position; the book forgets both. Gives the order's key. */
export async function plantDiscrepancy(desk: Desk, book: BookTable): Promise<string> {
  await typeOrder(desk, { side: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: '1' });
  await typeOrder(desk, { side: 'BUY', quantity: '2' });
  const orderKey = await untilBooked(book, 'order', (items) => {
    const working = items.find(({ body }) => body.status === 'Submitted');
    const filled = items.find(({ body }) => body.status === 'Filled');
    return filled && working?.ref.id;
  });
  const conId = await untilBooked(
    book,
    'position',
    (items) => items.find(({ body }) => body.position === '2')?.ref.id,
  );
  await forget(book, 'order', orderKey);
  await forget(book, 'position', conId);
  return orderKey;
}

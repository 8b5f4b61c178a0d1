/** What somebody else does to the account: a person in TWS, and a book that has lost what it was told. */
import { expect } from 'vitest';
import type { BookTable } from '../../lib/aws/book-table.ts';
import type { Desk } from '../../sandbox/desk/desk.ts';

/** An order that a person types into TWS, far from the market. */
export async function tradeByHand(desk: Desk): Promise<void> {
  const stats = await desk.streamerStats();
  const response = await fetch(`http://127.0.0.1:${desk.gateway?.controlPort}/trade`, {
    method: 'POST',
    body: JSON.stringify({
      action: 'place',
      symbol: stats?.marketData.lines[0]?.localSymbol ?? '',
      side: 'BUY',
      quantity: '1',
      orderType: 'LMT',
      limitPrice: '1',
    }),
  });
  expect(response.ok, await response.text()).toBe(true);
}

/** Takes an order and what points to it out of the book, as if its events had never come. */
export async function forgetOrder(book: BookTable, account: string, orderKey: string): Promise<void> {
  const gone = [];
  for await (const { ref, version, body } of book.all(account)) {
    const isOrder = ref.kind === 'order' && ref.id === orderKey;
    const isPointer = ['perm', 'ref', 'api'].includes(ref.kind) && body.orderKey === orderKey;
    if (isOrder || isPointer) gone.push({ ref, expectedVersion: version, body: null });
  }
  const id = 'arn:aws:iam::000000000000:user/operator';
  const cause = { kind: 'operator', id, name: 'forget', reason: 'test' } as const;
  const result = await book.commit({
    account,
    writer: 'operator',
    cause,
    atMs: Date.now(),
    orderKey,
    writes: gone,
  });
  expect(result).toBe('committed');
}

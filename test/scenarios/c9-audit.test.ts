/** C9: the audit trail. What is written there stays as it was, or is found; what cannot be written there does not happen. */
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bookEvent, bookKeeper } from '../../functions/book-keeper/book-event.ts';
import { canonicalJson, chainTools, digest } from '../../lib/aws/audit-hash.ts';
import { BookTable } from '../../lib/aws/book-table.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import { foldTrail } from '../../lib/domain/audit/fold.ts';
import { type ChainReport, verifyAudit } from '../../lib/domain/audit/verify.ts';
import type { Book } from '../../lib/ports/book.ts';
import { commissionEvent, fillEvent, orderEvent, positionEvent } from '../helpers/book-events.ts';
import { type BookTables, createBookTables } from '../helpers/book-tables.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;
const dayMs = 86_400_000;
const startMs = Date.UTC(2026, 0, 5, 14, 30);

let engine: DynamoEngine;
let tables: BookTables;
let accounts = 0;
let account = '';

/** Five events on five days, and a change of the flags by a person. */
async function bookFiveDays(): Promise<void> {
  const at = (seq: number) => ({ account, seq });
  const events = [
    orderEvent('order.placed', 13, { status: 'PreSubmitted', brokerStatus: 'PreSubmitted' }, at(1)),
    fillEvent(13, { execBase: 'e.1', revision: 1, quantity: '2' }, at(2)),
    orderEvent('order.filled', 13, { status: 'Filled', brokerStatus: 'Filled' }, at(3)),
    commissionEvent('P13', 'e.1', 1, '2.32', at(4)),
    positionEvent(5, '2', at(5)),
  ];
  for (const [day, event] of events.entries()) {
    await bookEvent(event, optionsOf(tables.book, startMs + day * dayMs));
  }
  const store = new SafetyStore({ book: tables.book, nowMs: () => startMs });
  await store.setFlags(account, { DRY_RUN: false }, { who: 'somebody', reason: 'first paper day' });
}

function optionsOf(book: Book, nowMs: number) {
  return { book, nowMs: () => nowMs, sleep: async () => undefined, random: Math.random };
}

/** Key of the book-keeper's row of this number: one a day. */
function rowKey(seq: number): { pk: string; sk: string } {
  const day = new Date(startMs + (seq - 1) * dayMs).toISOString().slice(0, 10);
  return { pk: `A#${account}#${day}`, sk: `${bookKeeper}#${String(seq).padStart(12, '0')}` };
}

async function edit(seq: number, expression: string, values: Record<string, { S: string }>): Promise<void> {
  const { pk, sk } = rowKey(seq);
  await engine.client.send(
    new UpdateItemCommand({
      TableName: tables.auditTable,
      Key: { pk: { S: pk }, sk: { S: sk } },
      UpdateExpression: expression,
      ExpressionAttributeValues: values,
    }),
  );
}

async function keeperReport(): Promise<ChainReport | undefined> {
  return (await verifyAudit(tables.audit, account, digest)).find(({ writer }) => writer === bookKeeper);
}

describe.skipIf(!engineIsHere)(`C9 audit${skipped}`, () => {
  beforeAll(async () => {
    engine = await startDynamoEngine();
    tables = await createBookTables(engine);
  });
  afterAll(() => engine?.stop());
  beforeEach(async () => {
    accounts += 1;
    account = `DU${accounts}`;
    await bookFiveDays();
  });

  it('S141 the chain of every writer verifies, and the trail alone rebuilds the book', async () => {
    expect(await verifyAudit(tables.audit, account, digest)).toMatchObject([
      { writer: 'book-keeper', rows: 5 },
      { writer: 'operator', rows: 1 },
    ]);
    const folded = await foldTrail(tables.audit, account, chainTools.keyOf);
    const items = await collect(tables.book.all(account));
    expect(Object.fromEntries([...folded].map(([key, image]) => [key, canonicalJson({ ...image })]))).toEqual(
      Object.fromEntries(
        items.map(({ ref, version, body }) => [chainTools.keyOf(ref), canonicalJson({ version, body })]),
      ),
    );
  });

  it('S141 a deleted row is found and named', async () => {
    const { pk, sk } = rowKey(3);
    await tables.deleteRow(pk, sk);
    expect(await keeperReport()).toMatchObject({ rows: 2, finding: { fault: 'missing', seq: 3 } });
  });

  it('S141 a deleted last row is found and named', async () => {
    const { pk, sk } = rowKey(5);
    await tables.deleteRow(pk, sk);
    expect(await keeperReport()).toMatchObject({ rows: 4, finding: { fault: 'truncated', seq: 5 } });
  });

  it('S141 a row edited by hand is found and named', async () => {
    await edit(2, 'SET changes[0].image.body.report.price = :price', { ':price': { S: '1' } });
    expect(await keeperReport()).toMatchObject({ rows: 1, finding: { fault: 'edited', seq: 2 } });
  });

  it('S141 the audit write fails: the change does not happen', async () => {
    const before = await collect(tables.book.all(account));
    const { client } = engine;
    const cut = new BookTable({ client, bookTable: tables.bookTable, auditTable: 'nowhere' });
    const event = fillEvent(13, { execBase: 'e.9', revision: 1 }, { account, seq: 9 });
    await expect(bookEvent(event, optionsOf(cut, startMs))).rejects.toMatchObject({
      code: 'BOOK_WRITE_FAILED',
    });
    const flags = new SafetyStore({ book: cut });
    const by = { who: 'somebody', reason: 'why not' };
    await expect(flags.setFlags(account, { SAFE_MODE: false }, by)).rejects.toMatchObject({
      code: 'BOOK_WRITE_FAILED',
    });
    expect(await collect(tables.book.all(account))).toEqual(before);
    expect(await keeperReport()).toMatchObject({ rows: 5 });
  });
});

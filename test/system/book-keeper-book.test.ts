import { setTimeout as sleep } from 'node:timers/promises';
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Booked, bookEvent, bookKeeper } from '../../functions/book-keeper/book-event.ts';
import { canonicalJson, chainTools, digest } from '../../lib/aws/audit-hash.ts';
import { foldTrail } from '../../lib/domain/audit/fold.ts';
import { verifyAudit } from '../../lib/domain/audit/verify.ts';
import type { BookRef } from '../../lib/domain/book/item.ts';
import type { Envelope } from '../../lib/events/envelope.ts';
import type { Book, BookChange } from '../../lib/ports/book.ts';
import {
  balanceEvent,
  commissionEvent,
  disorder,
  fillEvent,
  history,
  orderEvent,
  positionEvent,
} from '../helpers/book-events.ts';
import { type BookTables, createBookTables, stateText } from '../helpers/book-tables.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;

let engine: DynamoEngine;
let tables: BookTables;
let accounts = 0;

/** An account that no other test has. */
function newAccount(): string {
  accounts += 1;
  return `DU${accounts}`;
}

function book(table: Book, event: Envelope) {
  return bookEvent(event, {
    book: table,
    nowMs: Date.now,
    sleep: async () => undefined,
    random: Math.random,
  });
}

async function deliver(table: Book, events: readonly Envelope[]): Promise<void> {
  for (const event of events) await book(table, event);
}

/** Every item as its key, version and canonical JSON: what the trail must make too. */
async function bytesOf(account: string): Promise<Map<string, string>> {
  const items = await collect(tables.book.all(account));
  return new Map(
    items.map(({ ref, version, body }) => [chainTools.keyOf(ref), canonicalJson({ version, body })]),
  );
}

async function expectTrailMakesTheBook(account: string): Promise<void> {
  const reports = await verifyAudit(tables.audit, account, digest);
  expect(reports.map(({ finding }) => finding)).toEqual(reports.map(() => undefined));
  const folded = await foldTrail(tables.audit, account, chainTools.keyOf);
  const bytes = new Map(
    [...folded].map(([key, { version, body }]) => [key, canonicalJson({ version, body })]),
  );
  expect(bytes).toEqual(await bytesOf(account));
}

function change(
  account: string,
  ref: BookRef,
  expectedVersion: number,
  body: BookChange['writes'][0]['body'],
): BookChange {
  return {
    account,
    writer: 'operator',
    cause: { kind: 'operator', id: 'somebody', name: 'test', reason: 'because' },
    atMs: Date.UTC(2026, 0, 5),
    orderKey: '',
    writes: [{ ref, expectedVersion, body }],
  };
}

describe.skipIf(!engineIsHere)(`the book on a real engine${skipped}`, () => {
  beforeAll(async () => {
    engine = await startDynamoEngine();
    tables = await createBookTables(engine);
  });
  afterAll(() => engine?.stop());

  describe('delivery', () => {
    it('twice, reversed, shuffled and with gaps: the same book, and the trail alone rebuilds it', async () => {
      await fc.assert(
        fc.asyncProperty(history(10), disorder(), async (events, mix) => {
          const [straight, mixed] = [newAccount(), newAccount()];
          const [first, second] = [tables.another(), tables.another()];
          await deliver(first, events(straight));
          // Two keepers share the disorderly one.
          for (const [index, event] of mix(events(mixed)).entries())
            await book(index % 2 ? first : second, event);
          expect(await stateText(tables.book, mixed)).toBe(await stateText(tables.book, straight));
          await expectTrailMakesTheBook(mixed);
        }),
        { numRuns: 25 },
      );
    });

    it('every event type, each delivered twice and all of them backwards', async () => {
      const events = (account: string): Envelope[] => {
        const at = (seq: number) => ({ account, seq });
        return [
          orderEvent('order.placed', 17, { status: 'PreSubmitted', brokerStatus: 'PreSubmitted' }, at(1)),
          orderEvent('order.changed', 17, { status: 'Submitted', brokerStatus: 'Submitted' }, at(2)),
          orderEvent('order.cancelled', 18, { status: 'Cancelled', brokerStatus: 'Cancelled' }, at(3)),
          orderEvent('order.rejected', 19, { status: 'Rejected', brokerStatus: 'Inactive' }, at(4)),
          fillEvent(17, { execBase: 'e.1', revision: 1, quantity: '2' }, at(5)),
          commissionEvent('P17', 'e.1', 1, '2.32', at(6)),
          orderEvent('order.filled', 17, { status: 'Filled', brokerStatus: 'Filled' }, at(7)),
          positionEvent(5, '2', at(8)),
          balanceEvent('USD', '-7.25', at(9)),
        ];
      };
      const [straight, backwards] = [newAccount(), newAccount()];
      await deliver(tables.book, events(straight));
      await deliver(
        tables.book,
        events(backwards)
          .flatMap((event) => [event, event])
          .toReversed(),
      );
      expect(await stateText(tables.book, backwards)).toBe(await stateText(tables.book, straight));
      const [order] = await tables.book.read(straight, [{ kind: 'order', id: 'P17' }]);
      expect(order?.body).toMatchObject({
        status: 'Filled',
        filled: '2',
        averagePrice: '1323.4',
        commissions: { USD: '2.32' },
      });
    });

    it('an event that says nothing new writes no audit row', async () => {
      const account = newAccount();
      const event = orderEvent('order.placed', 17, {}, { account, seq: 1 });
      expect(await book(tables.book, event)).toMatchObject({ result: 'booked' });
      expect(await book(tables.book, event)).toMatchObject({ result: 'unchanged' });
      expect(await collect(tables.audit.rows(account, bookKeeper))).toHaveLength(1);
    });
  });

  describe('writers that meet', () => {
    it('two book-keepers on the same order: one wins, the other tries again, the chain holds', async () => {
      const account = newAccount();
      const keepers = [tables.another(), tables.another()];
      const booked: Booked[] = [];
      for (let round = 0; round < 8; round += 1) {
        const fills = keepers.map((keeper, which) =>
          bookEvent(
            fillEvent(
              17,
              { execBase: `e.${round}-${which}`, revision: 1, quantity: '1' },
              { account, seq: round * 2 + which + 1 },
            ),
            { book: keeper, nowMs: Date.now, sleep, random: Math.random },
          ),
        );
        booked.push(...(await Promise.all(fills)));
      }
      expect(booked.every(({ result }) => result === 'booked')).toBe(true);
      expect(Math.max(...booked.map(({ attempts }) => attempts))).toBeGreaterThan(1);
      const [order] = await tables.book.read(account, [{ kind: 'order', id: 'P17' }]);
      expect(order?.body).toMatchObject({ reportedFilled: '0', withoutCommission: { length: 16 } });
      const rows = await collect(tables.audit.rows(account, bookKeeper));
      expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
      await expectTrailMakesTheBook(account);
    });

    it('a version that moved since it was read is a conflict, and nothing is written', async () => {
      const account = newAccount();
      const ref: BookRef = { kind: 'run', id: '1' };
      expect(await tables.book.commit(change(account, ref, 0, { n: 1 }))).toBe('committed');
      expect(await tables.book.commit(change(account, ref, 0, { n: 2 }))).toBe('conflict');
      expect(await tables.book.commit(change(account, ref, 2, { n: 2 }))).toBe('conflict');
      expect((await tables.book.read(account, [ref]))[0]).toMatchObject({ version: 1, body: { n: 1 } });
      expect(await collect(tables.audit.rows(account, 'operator'))).toHaveLength(1);
    });

    it('a check of an item that moved is a conflict, though the item itself is not written', async () => {
      const account = newAccount();
      const [checked, written]: BookRef[] = [
        { kind: 'lock', id: '' },
        { kind: 'run', id: '1' },
      ];
      await tables.book.commit(change(account, checked!, 0, { state: 'locked' }));
      const wish = change(account, written!, 0, { n: 1 });
      const on = (expectedVersion: number) => ({ ...wish, checks: [{ ref: checked!, expectedVersion }] });
      expect(await tables.book.commit(on(2))).toBe('conflict');
      expect(await tables.book.commit(on(1))).toBe('committed');
    });

    it('a writer whose memory of the chain is old finds out, and goes on', async () => {
      const account = newAccount();
      const [one, other] = [tables.another(), tables.another()];
      expect(await one.commit(change(account, { kind: 'run', id: '1' }, 0, {}))).toBe('committed');
      expect(await other.commit(change(account, { kind: 'run', id: '2' }, 0, {}))).toBe('committed');
      expect(await one.commit(change(account, { kind: 'run', id: '3' }, 0, {}))).toBe('conflict');
      expect(await one.commit(change(account, { kind: 'run', id: '3' }, 0, {}))).toBe('committed');
      await expectTrailMakesTheBook(account);
    });

    it('chains of several writers with clocks apart, deletions included: the trail rebuilds the book', async () => {
      const account = newAccount();
      const ref: BookRef = { kind: 'plan', id: 'p' };
      const by = (writer: string, atMs: number, version: number, body: object | null): BookChange => ({
        ...change(account, ref, version, body as never),
        writer,
        atMs,
      });
      for (const step of [
        by('reconcile', 5_000, 0, { n: 1 }),
        by('operator', 1_000, 1, { n: 2 }),
        by('reconcile', 4_000, 2, null),
        by('operator', 2_000, 0, { n: 3 }),
      ]) {
        expect(await tables.book.commit(step)).toBe('committed');
      }
      await expectTrailMakesTheBook(account);
      const rows = await collect(tables.audit.rows(account, 'reconcile'));
      // A clock that goes back does not lead the walk astray: a chain's time stands still instead.
      expect(rows.map(({ at }) => at)).toEqual(['1970-01-01T00:00:05.000Z', '1970-01-01T00:00:05.000Z']);
    });
  });

  describe('the chain over days', () => {
    it('is walked day by day over empty ones', async () => {
      const account = newAccount();
      for (const [index, day] of [1, 1, 3, 40].entries()) {
        const atMs = Date.UTC(2026, 0, day, 23, 59);
        await tables.book.commit({ ...change(account, { kind: 'run', id: String(index) }, 0, {}), atMs });
      }
      const rows = await collect(tables.audit.rows(account, 'operator'));
      expect(rows.map(({ at }) => at.slice(0, 10))).toEqual([
        '2026-01-01',
        '2026-01-01',
        '2026-01-03',
        '2026-02-09',
      ]);
      expect(await verifyAudit(tables.audit, account, digest)).toMatchObject([
        { writer: 'operator', rows: 4 },
      ]);
      const late = await collect(tables.audit.rows(account, 'operator', '2026-01-02'));
      expect(late.map(({ seq }) => seq)).toEqual([3, 4]);
    });

    it('the history of one order has its rows alone, oldest first', async () => {
      const account = newAccount();
      const at = (seq: number) => ({ account, seq });
      await deliver(tables.book, [
        orderEvent('order.placed', 17, {}, at(1)),
        orderEvent('order.placed', 18, {}, at(2)),
        fillEvent(17, { execBase: 'e.1', revision: 1 }, at(3)),
        commissionEvent('', 'e.1', 1, '1', at(4)),
      ]);
      const rows = await collect(tables.audit.rowsOfOrder(account, 'P17'));
      expect(rows.map(({ seq, cause }) => [seq, cause.name])).toEqual([
        [1, 'order.placed'],
        [3, 'fill.received'],
        [4, 'commission.received'],
      ]);
    });
  });

  describe('reading', () => {
    it('lists a kind in order of its ids, over pages, narrowed by a prefix', async () => {
      const account = newAccount();
      const long = 'x'.repeat(200_000);
      for (let index = 0; index < 12; index += 1) {
        const id = `${index % 2 ? 'b' : 'a'}${String(index).padStart(2, '0')}`;
        expect(await tables.book.commit(change(account, { kind: 'run', id }, 0, { long }))).toBe('committed');
      }
      const ids = async (prefix?: string) =>
        (await collect(tables.book.list(account, 'run', prefix))).map(({ ref }) => ref.id);
      expect(await ids()).toEqual([
        'a00',
        'a02',
        'a04',
        'a06',
        'a08',
        'a10',
        'b01',
        'b03',
        'b05',
        'b07',
        'b09',
        'b11',
      ]);
      expect(await ids('b0')).toEqual(['b01', 'b03', 'b05', 'b07', 'b09']);
      expect(await collect(tables.audit.rows(account, 'operator'))).toHaveLength(12);
    });

    it('an item that something else wrote is named', async () => {
      const account = newAccount();
      await engine.client.send(
        new PutItemCommand({
          TableName: tables.bookTable,
          Item: { pk: { S: `A#${account}` }, sk: { S: 'ORDER#P1' }, version: { N: '1' } },
        }),
      );
      await expect(tables.book.read(account, [{ kind: 'order', id: 'P1' }])).rejects.toMatchObject({
        code: 'BOOK_ITEM_INVALID',
        message: expect.stringContaining('ORDER#P1'),
      });
    });
  });

  describe('what cannot be stored', () => {
    it.each([
      ['a float', { price: 1323.4 }, 'price is 1323.4'],
      ['a number beyond 53 bits', { n: 2 ** 53 }, 'n is'],
      ['a half of a character', { deep: ['\ud800'] }, 'deep.0 has half'],
    ])('%s is refused by name', async (_what, body, words) => {
      const wish = change(newAccount(), { kind: 'run', id: '1' }, 0, body);
      await expect(tables.book.commit(wish)).rejects.toMatchObject({
        code: 'BOOK_ITEM_UNSTORABLE',
        message: expect.stringContaining(words),
      });
    });

    it('an item above 400 KB is refused as too large', async () => {
      const wish = change(newAccount(), { kind: 'run', id: '1' }, 0, { long: 'x'.repeat(410_000) });
      await expect(tables.book.commit(wish)).rejects.toMatchObject({ code: 'BOOK_ITEM_TOO_LARGE' });
    });

    it('a change with two writes on one item, or with none, is refused', async () => {
      const wish = change(newAccount(), { kind: 'run', id: '1' }, 0, {});
      await expect(tables.book.commit({ ...wish, writes: [] })).rejects.toMatchObject({
        code: 'BOOK_CHANGE_INVALID',
      });
      const twice = [...wish.writes, ...wish.writes];
      await expect(tables.book.commit({ ...wish, writes: twice })).rejects.toMatchObject({
        code: 'BOOK_CHANGE_INVALID',
      });
    });
  });

  it('a row that lies in the way stops the change: the trail is never overwritten', async () => {
    const account = newAccount();
    await tables.book.commit(change(account, { kind: 'run', id: '1' }, 0, {}));
    // Somebody puts a row where the chain's next one goes.
    const planted = {
      pk: { S: `A#${account}#2026-01-05` },
      sk: { S: 'operator#000000000002' },
      note: { S: 'x' },
    };
    await engine.client.send(new PutItemCommand({ TableName: tables.auditTable, Item: planted }));
    const before = await bytesOf(account);
    expect(await tables.another().commit(change(account, { kind: 'run', id: '2' }, 0, {}))).toBe('conflict');
    expect(await bytesOf(account)).toEqual(before);
    const { pk, sk } = planted;
    const get = new GetItemCommand({ TableName: tables.auditTable, Key: { pk, sk } });
    expect((await engine.client.send(get)).Item).toEqual(planted);
  });
});

import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkAudit } from '../../../bin/evenkeel/audit-verify.ts';
import { AuditTable } from '../../../lib/aws/audit-table.ts';
import { BookTable } from '../../../lib/aws/book-table.ts';
import { auditPartition, auditSort } from '../../../lib/aws/keys.ts';
import type { BookReader } from '../../../lib/ports/book.ts';
import {
  balanceEvent,
  commissionEvent,
  fillEvent,
  orderEvent,
  positionEvent,
} from '../../helpers/book-events.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { account, createDesk, nowMs, type TestDesk } from './desk.ts';

const at = (seq: number) => ({ account, epoch: 7, seq });
const filledMs = nowMs - 600_000;

describe.skipIf(!engineIsHere)(
  `commands that read the book${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    let engine: DynamoEngine;
    let desk: TestDesk;

    beforeAll(async () => {
      engine = await startDynamoEngine();
      desk = await createDesk(engine);
      await desk.tell(
        orderEvent(
          'order.placed',
          17,
          { status: 'PreSubmitted', brokerStatus: 'PreSubmitted', orderRef: 'breakout-17' },
          at(1),
        ),
        orderEvent(
          'order.placed',
          18,
          {
            status: 'PreSubmitted',
            brokerStatus: 'PreSubmitted',
            orderRef: 'breakout-17-stop',
            terms: {
              action: 'SELL',
              quantity: '2',
              orderType: 'STP',
              limitPrice: null,
              stopPrice: '1310.5',
              trailingPercent: null,
              trailStopPrice: null,
              timeInForce: 'GTC',
              goodTillDate: '',
              outsideRth: false,
              ocaGroup: '',
              ocaType: 0,
              parentId: 2,
              parentKey: 'P17',
            },
          },
          at(2),
        ),
        fillEvent(
          17,
          {
            orderRef: 'breakout-17',
            execBase: 'e.1',
            revision: 1,
            quantity: '2',
            price: '1323.4',
            timeMs: filledMs,
          },
          at(3),
        ),
        fillEvent(
          17,
          {
            orderRef: 'breakout-17',
            execBase: 'e.1',
            revision: 2,
            quantity: '2',
            price: '1323.6',
            timeMs: filledMs,
          },
          at(4),
        ),
        commissionEvent('P17', 'e.1', 2, '4.64', at(5)),
        orderEvent(
          'order.filled',
          17,
          { status: 'Filled', brokerStatus: 'Filled', reportedFilled: '2', orderRef: 'breakout-17' },
          at(6),
        ),
        positionEvent(98765432, '2', at(7)),
        positionEvent(11, '0', at(8)),
        balanceEvent('USD', '-1234567.5', at(9)),
      );
    });
    afterAll(async () => {
      desk.stop();
      await engine.stop();
    });

    it('orders: the open ones, and with --all every one', async () => {
      const open = await desk.run('orders');
      expect(open).toMatchObject({ code: 0, err: '' });
      expect(open.out).toMatch(/P18\s+GCZ3\s+SELL\s+2\s+STP\s+stop 1,310\.5\s+GTC\s+PreSubmitted/);
      expect(open.out).not.toContain('P17 ');
      const all = JSON.parse((await desk.run('orders', '--all', '--json')).out);
      expect(all.orders.map((order: { orderKey: string }) => order.orderKey)).toEqual(['P17', 'P18']);
      expect(all.orders[0]).toMatchObject({ status: 'Filled', filled: '2', averagePrice: '1323.6' });
      expect(all.orders[0].state).toBeUndefined();
    });

    it.each(['P17', '17', 'breakout-17'])(
      'orders show %s: every event, the fills and the bracket',
      async (ref) => {
        const { code, out } = await desk.run('orders', 'show', ref, '--json');
        expect(code).toBe(0);
        const shown = JSON.parse(out);
        expect(shown.order.orderKey).toBe('P17');
        expect(shown.events.map(({ event }: { event: string }) => event)).toEqual([
          'order.placed',
          'fill.received',
          'fill.received',
          'commission.received',
          'order.filled',
        ]);
        expect(shown.events[2].what).toContain('e.1.02: BUY 2 at 1323.6');
        expect(shown.fills).toMatchObject([
          { execId: 'e.1.02', price: '1323.6', commission: '4.64', revision: 2 },
        ]);
        expect(shown.bracket.children).toMatchObject([{ orderKey: 'P18' }]);
      },
    );

    it('orders show, for a person', async () => {
      const { out } = await desk.run('orders', 'show', 'P18');
      expect(out).toContain('asked             SELL 2 GCZ3 STP stop 1,310.5 GTC');
      expect(out).toMatch(/parent\s+P17/);
      expect(out).toContain('1 event');
    });

    it('orders show names an order that is not there, and the ones that are', async () => {
      const { code, err, out } = await desk.run('orders', 'show', 'breakout-71');
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toBe(
        'ORDER_UNKNOWN: There is no order breakout-71; valid: P17, breakout-17, P18, breakout-17-stop. Did you mean breakout-17?\n',
      );
    });

    it('fills: the correction instead of what it corrects, in the display zone and in UTC', async () => {
      const { out } = await desk.run('fills');
      expect(out).toContain('2026-01-05 15:50:00');
      expect(out).toMatch(/BUY\s+2\s+1,323\.6\s+4\.64 USD\s+P17\s+e\.1\.02\s+corrected/);
      const { fills } = JSON.parse((await desk.run('fills', '--json')).out);
      expect(fills).toMatchObject([{ at: '2026-01-05T14:50:00.000Z', quantity: '2', price: '1323.6' }]);
      expect((await desk.run('fills', '--since', '5m')).out).toContain('No fill');
      expect(JSON.parse((await desk.run('fills', '--since', '11m', '--json')).out).fills).toHaveLength(1);
    });

    it('positions: without the closed ones unless asked for', async () => {
      expect((await desk.run('positions')).out).toMatch(
        /GCZ3\s+FUT\s+2\s+1,323\.4\s+132,340\s+USD\s+98765432/,
      );
      const all = JSON.parse((await desk.run('positions', '--all', '--json')).out);
      expect(all.positions.map((each: { position: string }) => each.position).sort()).toEqual(['0', '2']);
    });

    it('balances: every digit', async () => {
      expect((await desk.run('balances')).out).toMatch(/USD\s+-1,234,567\.5/);
      expect(JSON.parse((await desk.run('balances', '--json')).out)).toEqual({
        account,
        balances: [{ currency: 'USD', cash: '-1234567.5' }],
      });
    });

    it('audit: the latest rows, and only those since a time', async () => {
      const { rows, more } = JSON.parse((await desk.run('audit', '--limit', '3', '--json')).out);
      expect(rows.map((row: { seq: number }) => row.seq)).toEqual([7, 8, 9]);
      expect(more).toBe(true);
      expect((await desk.run('audit', '--since', '1h')).out).toContain('9 rows');
      expect((await desk.run('audit', '--since', '2026-01-05T15:00:01Z')).out).toContain('no row');
    });

    it('audit verify: a whole trail, and the book that it makes', async () => {
      const { code, out, err } = await desk.run('audit', 'verify', '--against-book', '--json');
      expect(code, out).toBe(0);
      expect(err).toBe('');
      const verified = JSON.parse(out);
      expect(verified).toMatchObject({ ok: true, chains: [{ writer: 'book-keeper', rows: 9 }] });
      expect(verified.againstBook.differences).toEqual([]);
      expect(verified.againstBook.items).toBeGreaterThan(9);
    });

    it('audit verify is no false alarm on a desk that trades meanwhile', async () => {
      const other = await createDesk(engine);
      await other.tell(balanceEvent('USD', '5', at(1)), balanceEvent('EUR', '6', at(2)));
      const { client } = engine;
      const stored = new BookTable({ client, bookTable: other.bookTable, auditTable: other.auditTable });
      const audit = new AuditTable({ client, auditTable: other.auditTable, book: stored });
      let told = 2;
      const book: BookReader = {
        read: (of, refs) => stored.read(of, refs),
        list: (of, kind, prefix) => stored.list(of, kind, prefix),
        async *all(of) {
          yield* stored.all(of);
          // The book was read; before the trail is, it moves on.
          told += 1;
          await other.tell(balanceEvent('USD', String(told), at(told)));
        },
      };
      const verified = await checkAudit({ audit, book }, account, true);
      expect(verified).toMatchObject({ ok: true, againstBook: { moving: 2, differences: [] } });
      other.stop();
    });

    it('audit verify finds an item of the book that was changed by hand', async () => {
      const other = await createDesk(engine);
      await other.tell(balanceEvent('USD', '5', at(1)), balanceEvent('EUR', '6', at(2)));
      await engine.client.send(
        new UpdateItemCommand({
          TableName: other.bookTable,
          Key: { pk: { S: `A#${account}` }, sk: { S: 'CASH#EUR' } },
          UpdateExpression: 'SET body.cash = :cash',
          ExpressionAttributeValues: { ':cash': { S: '6000' } },
        }),
      );
      expect((await other.run('audit', 'verify')).code).toBe(0);
      const { code, out } = await other.run('audit', 'verify', '--against-book');
      expect(code).toBe(3);
      expect(out).toContain('CASH#EUR says something else');
      other.stop();
    });

    it('audit verify names the row that was edited by hand', async () => {
      const other = await createDesk(engine);
      await other.tell(
        balanceEvent('USD', '1', at(1)),
        balanceEvent('USD', '2', at(2)),
        balanceEvent('USD', '3', at(3)),
      );
      await engine.client.send(
        new UpdateItemCommand({
          TableName: other.auditTable,
          Key: {
            pk: { S: auditPartition(account, '2026-01-05') },
            sk: { S: auditSort('book-keeper', 2) },
          },
          UpdateExpression: 'SET #at = :at',
          ExpressionAttributeNames: { '#at': 'at' },
          ExpressionAttributeValues: { ':at': { S: '2026-01-05T15:00:00.001Z' } },
        }),
      );
      const { code, out } = await other.run('audit', 'verify', '--against-book');
      expect(code).toBe(3);
      expect(out).toMatch(/book-keeper\s+1\s+edited at row 2/);
      other.stop();
    });

    it('has nothing to say of an empty book, and says so', async () => {
      const other = await createDesk(engine);
      for (const [command, words] of [
        ['orders', 'no open order'],
        ['fills', 'No fill'],
        ['positions', 'holds no position'],
        ['balances', 'no balance'],
        ['audit', 'no row'],
      ] as const) {
        const { code, out } = await other.run(command);
        expect({ code, said: out.includes(words) }, command).toEqual({ code: 0, said: true });
      }
      other.stop();
    });
  },
);

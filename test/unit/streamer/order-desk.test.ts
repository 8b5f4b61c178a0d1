/** The sender of orders: what is written before an order leaves, what is not sent, which id it gets, and what a restart makes of it. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { digest } from '../../../lib/aws/audit-hash.ts';
import { verifyAudit } from '../../../lib/domain/audit/verify.ts';
import { ordersWriter } from '../../../lib/domain/audit/writers.ts';
import { deskBody, firstDesk } from '../../../lib/domain/orders/desk-record.ts';
import { decimal } from '../../../sandbox/gateway/broker/money.ts';
import { marketTerms } from '../../../sandbox/gateway/broker/order-terms.ts';
import { Bench } from '../../helpers/exactly-once-bench.ts';
import { account, clientId } from '../../helpers/exactly-once-gateway.ts';

vi.mock('node:timers/promises', () => import('../../helpers/exactly-once-sleep.ts'));

const open: Bench[] = [];
const bench = async (): Promise<Bench> => {
  const made = await Bench.open();
  open.push(made);
  return made;
};

afterEach(() => {
  for (const made of open.splice(0)) {
    const { violations } = made.world.witness;
    made.close();
    expect(violations).toEqual([]);
  }
});

/** Rows of the orders' chain that say something of intents. */
const rows = ({ world }: Bench): readonly string[] =>
  world.table.trail.filter(({ writer }) => writer === ordersWriter).map(({ cause }) => cause.name);

describe('before an order leaves', () => {
  it('it is in the book, then in the journal, then on the socket', async () => {
    const it = await bench();
    const steps: string[] = [];
    const { journal } = it.process.outbox;
    it.onCommit((state) => steps.push(`book ${state}, journal ${journal.mayHaveLeft('a')}`));
    const { witness } = it.world;
    const writing = witness.writing.bind(witness);
    witness.writing = (process, order) => {
      writing(process, order);
      steps.push(`socket ${order.order.orderRef?.slice(0, 3)}, journal ${journal.mayHaveLeft('a')}`);
    };
    await it.send(it.buy('a'));
    expect(steps).toEqual([
      'book sending, journal false',
      'socket ek-, journal true',
      'book sent, journal true',
    ]);
    expect(it.answers).toEqual(['accepted']);
    expect(journal.keys()).toEqual([]);
    expect(await verifyAudit(it.world.table, account, digest)).toHaveLength(2);
  });

  it('a bracket leaves as a whole, and is acknowledged as one', async () => {
    const it = await bench();
    await it.send(it.bracket('b'));
    expect(it.placed.map(({ orderId, transmit }) => [orderId, transmit])).toEqual([
      [1, false],
      [2, false],
      [3, true],
    ]);
    expect(it.intent('b')).toMatchObject({ state: 'sent', message: 'The broker has it.' });
  });

  it('a disk that takes nothing holds it back, and says so', async () => {
    const it = await bench();
    it.process.outbox.journal.begin = () => {
      throw new Error('database or disk is full');
    };
    await it.send(it.buy('a'));
    expect(it.placed).toEqual([]);
    expect(it.intent('a')).toMatchObject({ state: 'denied', code: 'NOT_CONNECTED' });
    expect(it.intent('a')?.message).toContain('disk is full');
    expect(it.answers).toEqual(['denied NOT_CONNECTED']);
  });

  it('a link that is lost behind the reservation holds it back: it provably never left', async () => {
    const it = await bench();
    it.onCommit((state) => {
      if (state === 'sending') it.process.term?.closed();
    });
    await it.send(it.buy('a'));
    expect(it.placed).toEqual([]);
    expect(it.answers).toEqual(['denied NOT_CONNECTED']);
  });

  it('S106 a link that is lost between the legs leaves it in doubt, and nothing of it is written again', async () => {
    const it = await bench();
    const { witness, gateway } = it.world;
    const writing = witness.writing.bind(witness);
    let written = 0;
    witness.writing = (process, order) => {
      writing(process, order);
      written += 1;
      if (written === 2) gateway.connection?.break();
    };
    await it.send(it.bracket('b'));
    await it.pass(30_000);
    expect(written).toBe(2);
    expect(it.answers).toEqual(['ambiguous', 'unresolved']);
    expect(it.alerts).toContain('order_unresolved');
  });
});

describe('what is denied', () => {
  it('while the fate of 200 orders is not known no other leaves: what is watched has a bound', async () => {
    const it = await bench();
    const { table } = it.world;
    const know = (unknown: number, expectedVersion: number) => {
      const keys = Array.from({ length: unknown }, (_, index) => `unknown-${index}`);
      const write = {
        ref: { kind: 'desk', id: '' },
        expectedVersion,
        body: deskBody({ ...firstDesk, open: keys }),
      } as const;
      const cause = { kind: 'event', id: '', name: 'earlier', reason: '' } as const;
      const change = { account, writer: ordersWriter, cause, atMs: it.world.time.nowMs, orderKey: '' };
      expect(table.write({ ...change, writes: [write] }, table.head(ordersWriter))).toBe('committed');
    };
    know(200, 0);
    await it.send(it.buy('a'));
    expect(it.intent('a')).toMatchObject({ state: 'denied', code: 'MAX_OPEN_ORDERS' });
    expect(it.placed).toEqual([]);
    know(199, 1);
    await it.send(it.buy('b'));
    expect(it.intent('b')).toMatchObject({ state: 'sent' });
  });

  it.each([
    ['a price off the tick', { limitPrice: '2660.05' }, 'TICK_SIZE'],
    ['a quantity off the lot', { quantity: '1.5' }, 'LOT_SIZE'],
    ['NaN', { quantity: 'NaN' }, 'QUANTITY_INVALID'],
    ['a negative size', { quantity: '-1' }, 'QUANTITY_INVALID'],
    ['a child without a parent', { leg: 'stop-loss' }, 'BRACKET_INVALID'],
  ])(
    '%s: one audit row, an answer that says what would be allowed, and nothing sent',
    async (_name, order, code) => {
      const it = await bench();
      await it.send(it.buy('a', order));
      expect(rows(it)).toEqual(['place']);
      expect(it.answers).toEqual([`denied ${code}`]);
      expect(it.world.witness.answers[0]?.allowed).not.toBe('');
      expect(it.intent('a')).toMatchObject({ state: 'denied', code, legs: [] });
      expect(it.placed).toEqual([]);
      expect(it.process.outbox.journal.keys()).toEqual([]);
    },
  );

  it('an unknown contract as well', async () => {
    const it = await bench();
    await it.send({ ...it.buy('a'), conId: 4711 } as ReturnType<Bench['buy']>);
    expect([rows(it), it.answers, it.placed]).toEqual([['place'], ['denied CONTRACT_UNKNOWN'], []]);
  });

  it('a flag that is set in the moment of the reservation stops it', async () => {
    const it = await bench();
    it.raceOnce();
    await it.send(it.buy('a'));
    expect(it.placed).toEqual([]);
    expect(it.answers).toEqual(['denied SAFE_MODE']);
  });
});

describe('order ids', () => {
  const firstId = async (it: Bench): Promise<number | undefined> => {
    await it.send(it.buy('a'));
    return it.placed.at(-1)?.orderId;
  };

  it('S108 are above what the book knows', async () => {
    const it = await bench();
    const write = {
      ref: { kind: 'desk', id: '' },
      expectedVersion: 0,
      body: deskBody({ ...firstDesk, nextOrderId: 500 }),
    } as const;
    const cause = { kind: 'event', id: '', name: 'earlier', reason: '' } as const;
    const change = { account, writer: ordersWriter, cause, atMs: it.world.time.nowMs, orderKey: '' };
    const { table } = it.world;
    expect(table.write({ ...change, writes: [write] }, table.head(ordersWriter))).toBe('committed');
    expect(await firstId(it)).toBe(500);
  });

  it('S108 are above what the journal knows', async () => {
    const it = await bench();
    it.process.outbox.journal.begin('earlier', 700);
    expect(await firstId(it)).toBe(700);
  });

  it('S108 are above what the gateway says, and above what was used when it says too little', async () => {
    const it = await bench();
    it.world.gateway.broker.orders.raise(clientId, 299);
    it.world.gateway.connection?.break();
    await it.pass(3_000);
    expect(await firstId(it)).toBe(300);
    it.world.gateway.rollback = 250;
    it.world.gateway.connection?.break();
    await it.pass(3_000);
    await it.send(it.buy('b'));
    expect(it.placed.map(({ orderId, refused }) => [orderId, refused])).toEqual([
      [300, 0],
      [301, 0],
    ]);
  });

  it('S108 one that is taken all the same is refused by the broker (103), and not sent again under another', async () => {
    const it = await bench();
    it.world.gateway.broker.orders.raise(clientId, 5_000);
    await it.send(it.buy('a'));
    await it.pass(30_000);
    expect(it.placed).toMatchObject([{ orderId: 1, refused: 103 }]);
    expect(it.intent('a')).toMatchObject({ state: 'rejected', message: expect.stringContaining('103') });
  });

  it.each([
    ['is at work', false],
    ['has ended since', true],
  ])(
    "S109 are above those of another client's order that the list of all orders has shown and that %s",
    async (_name, isOver) => {
      const it = await bench();
      const { gateway } = it.world;
      const { broker } = gateway;
      const terms = { ...marketTerms, quantity: '1', orderType: 'LMT' as const, limitPrice: '2600' };
      const request = {
        account,
        clientId: 9,
        orderId: 900,
        instrument: gateway.instrument,
        exchange: '',
        parentId: 0,
      };
      broker.place({ ...request, terms, transmit: true });
      // The regular comparison with the broker's lists.
      await it.pass(70_000);
      if (isOver) broker.cancel(broker.orders.find(9, 900)!);
      await it.pass(1_000);
      gateway.advance();
      await it.pass(1_000);
      expect(await firstId(it)).toBe(901);
      expect(it.placed.at(-1)?.refused).toBe(0);
    },
  );
});

describe('a command that comes again', () => {
  it('is one order, and is answered as before', async () => {
    const it = await bench();
    const body = it.command(it.buy('a'));
    for (let times = 0; times < 2; times += 1) {
      it.world.queue.send(body);
      await it.pass(3_000);
    }
    expect(it.placed).toHaveLength(1);
    expect(it.answers).toEqual(['accepted', 'accepted']);
  });

  it('as another one with the same key is a double click', async () => {
    const it = await bench();
    await it.send(it.buy('a'));
    await it.send(it.buy('a'));
    expect(it.placed).toHaveLength(1);
    expect(it.answers).toEqual(['accepted', 'denied DUPLICATE']);
    expect(it.alerts).toEqual(['duplicate_submission_blocked']);
  });

  it('without a key is known by what it orders, also where the contract was not known the first time', async () => {
    const it = await bench();
    it.world.lineFromMs = it.world.time.nowMs + 5_000;
    const body = it.command(it.buy(undefined));
    it.world.queue.send(body);
    await it.pass(3_000);
    expect(it.answers).toEqual(['denied CONTRACT_UNKNOWN']);
    await it.pass(5_000);
    it.world.queue.send(body);
    await it.pass(3_000);
    expect(it.answers).toEqual(['denied CONTRACT_UNKNOWN', 'denied CONTRACT_UNKNOWN']);
    expect(it.placed).toEqual([]);
  });

  it('without a key, and once more some seconds later, is one order; after that it is another', async () => {
    const it = await bench();
    await it.send(it.buy(undefined));
    await it.send(it.buy(undefined));
    await it.pass(10_000);
    await it.send(it.buy(undefined));
    expect(it.answers).toEqual(['accepted', 'denied DUPLICATE', 'accepted']);
    expect(it.placed).toHaveLength(2);
  });

  it('because the answer to its reservation was lost has not left, and does not leave', async () => {
    const it = await bench();
    it.befall(['commit'], 'after', 1);
    it.world.queue.send(it.command(it.buy('a')));
    await it.pass(8_000);
    expect(it.placed).toEqual([]);
    expect(it.answers).toEqual(['denied NOT_CONNECTED']);
    expect(it.intent('a')?.state).toBe('denied');
  });
});

describe('while the book does not answer', () => {
  it('nothing leaves, a person is told at once, and the denial comes when nobody may send it any more', async () => {
    const it = await bench();
    it.befall(['read', 'commit'], 'before');
    await it.send(it.buy('a'), 6_000);
    expect([it.alerts, it.answers]).toEqual([['order_blocked_safe_mode'], []]);
    await it.pass(5_000);
    expect(it.answers).toEqual(['denied FLAGS_UNREADABLE']);
    it.befall([], 'before');
    await it.pass(5_000);
    expect([it.placed, it.intent('a')]).toEqual([[], undefined]);
  });

  it('it is sent once the book answers in time', async () => {
    const it = await bench();
    it.befall(['read'], 'before');
    await it.send(it.buy('a'));
    it.befall([], 'before');
    await it.pass(6_000);
    expect(it.answers).toEqual(['accepted']);
    expect(it.placed).toHaveLength(1);
  });

  it('a command of which another term may know more is not denied: it waits', async () => {
    const it = await bench();
    const body = it.command(it.buy('a'), 2_000);
    it.world.isHealed = true;
    it.process.kill();
    it.process = it.world.begin(it.process.path);
    await it.pass(2_500);
    it.befall(['read'], 'before');
    it.world.queue.send(body);
    await it.pass(4_000);
    expect(new Set(it.alerts)).toEqual(new Set(['order_blocked_safe_mode']));
    expect(it.answers).toEqual([]);
  });
});

describe('after a kill', () => {
  it('in front of the journal it has provably not left', async () => {
    const it = await bench();
    await it.dieAt('begin before', it.buy('a'));
    await it.pass(25_000);
    expect([it.placed, new Set(it.answers)]).toEqual([[], new Set(['denied NOT_CONNECTED'])]);
  });

  it('with the disk lost nobody knows: it is looked for, and a person is told', async () => {
    const it = await bench();
    await it.dieAt('begin before', it.buy('a'), 'new');
    await it.pass(60_000);
    expect([it.placed, it.answers, it.alerts]).toEqual([[], ['unresolved'], ['order_unresolved']]);
  });

  it.each(['place after', 'settle before', 'settle after', 'tell before', 'end before'] as const)(
    'at "%s" it is found by its reference, told of, and not sent again',
    async (point) => {
      const it = await bench();
      await it.dieAt(point, it.buy('a'));
      await it.pass(25_000);
      const wasWritten = it.placed.length === 1;
      expect(it.placed.length).toBeLessThanOrEqual(1);
      expect(it.intent('a')?.state).toBe(wasWritten ? 'sent' : 'unresolved');
      expect(it.answers).toContain(wasWritten ? 'accepted' : 'unresolved');
      if (point !== 'place after') expect(wasWritten).toBe(true);
      expect(it.process.outbox.journal.keys()).toEqual(wasWritten ? [] : ['a']);
    },
  );

  it('what may have left is looked for by itself, also where the book does not answer at first', async () => {
    const it = await bench();
    await it.dieAt('settle before', it.buy('a'));
    while (it.process.term === undefined) await it.pass(1);
    it.befall(['read'], 'before');
    await it.pass(4_000);
    expect(it.intent('a')?.state).toBe('sending');
    it.befall([], 'before');
    await it.pass(8_000);
    expect(it.intent('a')?.state).toBe('sent');
  });

  it('an end that was told stays what it is, whatever an older word says', async () => {
    const it = await bench();
    await it.send(it.buy('a'));
    const { book } = it.process.term!.desk;
    const words = { state: 'denied', code: 'NOT_CONNECTED', message: '', allowed: '' } as const;
    const settling = book.settle('a', words);
    await it.pass(1_000);
    expect(await settling).toMatchObject({ state: 'sent' });
    expect(it.intent('a')?.state).toBe('sent');
  });
});

describe('a position that a hand closes while the streamer renews its subscription', () => {
  it('is not flattened, and is told as closed although the broker says nothing more of it', async () => {
    const it = await bench();
    const { gateway, conId } = it.world;
    gateway.listsFlat = false;
    const byHand = (action: 'BUY' | 'SELL') => {
      const request = { account, clientId: 0, orderId: 0, instrument: gateway.instrument, exchange: '' };
      const terms = { ...marketTerms, action, quantity: '2' };
      gateway.broker.place({ ...request, parentId: 0, terms, transmit: true });
    };
    byHand('BUY');
    await it.pass(1_000);
    gateway.print('2700');
    await it.pass(1_000);
    const held = () =>
      it.process.outbox
        .memory()
        .flatMap(({ key, doc }) =>
          key.startsWith('position:') ? [(doc.report as { position: string }).position] : [],
        );
    expect(held()).toEqual(['2']);
    const list = gateway.list.bind(gateway);
    let asked = 0;
    gateway.list = (connection, which, reqId) => {
      if (which === 'positions') asked += 1;
      if (which === 'positions' && asked === 1) {
        // The old subscription has ended, the new one has not begun.
        expect(connection.followsPositions).toBe(false);
        byHand('SELL');
        gateway.broker.fill(gateway.broker.orders.open().at(-1)!, decimal(2), decimal('2700'));
      }
      list(connection, which, reqId);
    };
    await it.send({ type: 'flatten', key: 'flat', conId, by: 'person' });
    expect(it.answers).toEqual(['denied NOTHING_TO_FLATTEN']);
    await it.pass(3_000);
    // Two lists lack it, one shows it so; and the tracker's own, which was wanted at the first.
    expect([held(), asked]).toEqual([['0'], 4]);
    expect(it.placed).toEqual([]);
  });

  it('is flattened all the same where one list alone lacked it', async () => {
    const it = await bench();
    const { gateway, conId } = it.world;
    gateway.listsFlat = false;
    const request = { account, clientId: 0, orderId: 0, instrument: gateway.instrument, exchange: '' };
    const terms = { ...marketTerms, action: 'BUY' as const, quantity: '2' };
    gateway.broker.place({ ...request, parentId: 0, terms, transmit: true });
    await it.pass(1_000);
    gateway.print('2700');
    await it.pass(1_000);
    const list = gateway.list.bind(gateway);
    let asked = 0;
    gateway.list = (connection, which, reqId) => {
      if (which === 'positions') asked += 1;
      // As by a gateway that does not have the account for a moment.
      const isEmpty = which === 'positions' && asked === 1;
      gateway.unloaded = { ...gateway.unloaded, toMs: isEmpty ? Number.POSITIVE_INFINITY : 0 };
      list(connection, which, reqId);
      gateway.unloaded = { ...gateway.unloaded, toMs: 0 };
    };
    await it.send({ type: 'flatten', key: 'flat', conId, by: 'person' });
    expect(it.answers).toEqual(['accepted']);
    expect(it.placed).toHaveLength(1);
  });
});

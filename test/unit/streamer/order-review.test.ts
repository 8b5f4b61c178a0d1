import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { BrokerList } from '../../../lib/domain/orders/broker-facts.ts';
import { deskBody, firstDesk } from '../../../lib/domain/orders/desk-record.ts';
import { lockBody } from '../../../lib/domain/safety/lock.ts';
import type { ListDesk, ListResult } from '../../../streamer/broker-lists.ts';
import type { EventRecorder } from '../../../streamer/event-recorder.ts';
import { TrackerDriver } from '../../../streamer/tracker-driver.ts';
import { account, conId, ReviewDesk, silent } from './order-review-desk.ts';

const desks: ReviewDesk[] = [];

afterEach(() => {
  for (const { desk } of desks.splice(0)) desk.stop();
});

function open(): ReviewDesk {
  const desk = new ReviewDesk();
  desks.push(desk);
  return desk;
}

const buy = { action: 'BUY', quantity: '5', orderType: 'LMT', limitPrice: '2700' };
const stopOf = (more: object = {}) => ({ orderId: 4, orderRef: 'ek-stop', ...more });

describe('an order that is on its way', () => {
  it('does not leave after its time, though it was recorded before', async () => {
    const desk = open();
    const command = desk.command('place', { key: 'late', conId, order: buy });
    const commit = desk.memory.commit.bind(desk.memory);
    desk.memory.commit = async (change) => {
      const result = await commit(change);
      // Seven seconds in which the table gave no answer, five times over.
      desk.nowMs += 35_000;
      return result;
    };
    await desk.perform(command);
    await desk.desk.settled();
    expect(desk.placed).toEqual([]);
    expect(desk.intent('late')).toMatchObject({ state: 'denied', code: 'EXPIRED' });
    expect(desk.answers).toMatchObject([{ key: 'late', answer: 'denied', code: 'EXPIRED' }]);
  });

  /** Somebody in TWS was faster, or a stop: told while the table is at work on the record. */
  const whenRecorded = (desk: ReviewDesk, then: () => void) => {
    const commit = desk.memory.commit.bind(desk.memory);
    desk.memory.commit = async (change) => {
      const result = await commit(change);
      if (change.writes.some(({ body }) => body?.state === 'sending')) then();
      return result;
    };
  };

  it.each([
    ['a flatten', 'flatten', 'open', {}, 'NOTHING_TO_FLATTEN'],
    [
      'an order that the lock lets through because it closes',
      'place',
      'locked',
      { order: { action: 'SELL', quantity: '5', orderType: 'MKT' } },
      'RECONCILE_LOCKED',
    ],
  ] as const)(
    '%s does not leave where its position has gone while it was recorded',
    async (_what, type, state, more, code) => {
      const desk = open();
      desk.position = '5';
      const lock = { state, reason: 'a test', runId: 'run', token: 1 } as const;
      desk.write({ kind: 'lock', id: '' }, lockBody(lock, 'run', '2026-01-05T15:00:00.000Z'));
      whenRecorded(desk, () => {
        desk.position = '0';
      });
      await desk.perform(desk.command(type, { key: 'close', conId, ...more }));
      await desk.desk.settled();
      expect(desk.placed).toEqual([]);
      expect(desk.intent('close')).toMatchObject({ state: 'denied', code });
      expect(desk.answers).toMatchObject([
        { answer: 'denied', code, message: expect.stringMatching(/^It never left: /) },
      ]);
    },
  );

  it('a change does not leave where somebody else has changed the order while it was recorded', async () => {
    const desk = open();
    await desk.perform(desk.command('place', { key: 'a', conId, order: buy }));
    const [written] = desk.placed;
    desk.showsWritten(written!);
    await desk.desk.settled();
    whenRecorded(desk, () => {
      const { orderId, order } = written!;
      const terms = { action: 'BUY', quantity: '5', orderType: 'LMT', limitPrice: '2690' } as const;
      desk.shows({ orderId, orderRef: order.orderRef ?? '', ...terms });
    });
    await desk.perform(desk.command('modify', { key: 'a', quantity: '6' }));
    await desk.desk.settled();
    expect(desk.placed).toEqual([written]);
    const answer = desk.answers.at(-1);
    expect(answer).toMatchObject({ answer: 'denied', code: 'ORDER_UNKNOWN' });
    // A code of the program's own, of an error that is tried again: this is not.
    expect(answer?.message).not.toContain('COMMAND_AGAIN');
  });

  it('a flatten that does not leave in the end says that the stop may have ended', async () => {
    const desk = open();
    desk.position = '5';
    desk.shows(stopOf());
    desk.onCancel = () => desk.ends('ek-stop');
    whenRecorded(desk, () => {
      desk.position = '3';
    });
    await desk.perform(desk.command('flatten', { key: 'flat', conId }));
    await desk.desk.settled();
    expect([desk.cancelled, desk.placed]).toEqual([[4], []]);
    expect(desk.answers.at(-1)?.message).toContain('What protected the position may have ended');
  });
});

describe('a bracket of which the broker refuses the stop', () => {
  it('is told of at once: what the entry fills would be unprotected', async () => {
    const desk = open();
    const legs = [
      { ...buy, leg: 'entry' },
      { leg: 'stop-loss', action: 'SELL', quantity: '5', orderType: 'STP', stopPrice: '2650' },
    ];
    await desk.perform(desk.command('place-bracket', { key: 'pair', conId, legs }));
    const [entry, stop] = desk.placed;
    const refusal = { kind: 'order-error', clientId: 1, code: 201, message: 'Order rejected' } as const;
    desk.fact({ ...refusal, orderId: stop!.orderId });
    desk.showsWritten(entry!);
    await desk.desk.settled();
    expect(desk.intent('pair')).toMatchObject({ state: 'sent' });
    expect(desk.alerts).toMatchObject([
      {
        alert: 'order_partly_refused',
        severity: 'CRITICAL',
        subject: 'intent pair',
        message: expect.stringContaining('stop-loss: 201 Order rejected') as string,
      },
    ]);
  });
});

describe('flatten', () => {
  it('twice in a row closes once: the first one has left, and the broker has not shown it', async () => {
    const desk = open();
    desk.position = '5';
    await desk.perform(desk.command('flatten', { conId }));
    expect(desk.placed).toHaveLength(1);
    const second = desk.perform(desk.command('flatten', { conId }));
    await sleep(120);
    // It fills, and the position follows.
    desk.showsWritten(desk.placed[0]!);
    desk.ends(desk.placed[0]!.order.orderRef!);
    desk.position = '0';
    await second;
    expect(desk.placed).toHaveLength(1);
    expect(desk.answers.at(-1)).toMatchObject({ answer: 'denied', code: 'NOTHING_TO_FLATTEN' });
  });

  it('twice in a row closes once: the first one has filled, and the position was not told anew', async () => {
    const desk = open();
    desk.position = '5';
    desk.onPlace = (order) => {
      desk.showsWritten(order);
      desk.ends(order.order.orderRef!);
      desk.listed = '0';
    };
    await desk.perform(desk.command('flatten', { conId }));
    await desk.perform(desk.command('flatten', { conId }));
    expect(desk.placed).toHaveLength(1);
    expect(desk.answers.at(-1)).toMatchObject({ answer: 'denied', code: 'NOTHING_TO_FLATTEN' });
  });

  it('closes although an order that would close is lost and unresolved: nobody can cancel that one', async () => {
    const desk = open();
    desk.position = '5';
    const sell = { action: 'SELL', quantity: '5', orderType: 'LMT', limitPrice: '2700' };
    await desk.perform(desk.command('place', { key: 'lost', conId, order: sell }));
    desk.linkLost(3);
    await desk.desk.settled();
    expect(desk.answers.at(-1)).toMatchObject({ key: 'lost', answer: 'unresolved' });
    desk.trading('reduce-only');
    // Another order of that kind might come on top of it; a person who closes knows what the broker's lists say.
    await desk.perform(desk.command('place', { key: 'again', conId, order: sell }));
    expect(desk.answers.at(-1)).toMatchObject({ key: 'again', answer: 'denied' });
    await desk.perform(desk.command('flatten', { key: 'flat', conId }));
    expect(desk.placed.map(({ order }) => [order.action, order.orderType])).toEqual([
      ['SELL', 'LMT'],
      ['SELL', 'MKT'],
    ]);
  });

  it('leaves room for another closing order where the broker has forgotten the first', async () => {
    for (const isUnresolved of [false, true]) {
      const desk = open();
      desk.position = '5';
      desk.shows({ orderId: 4, orderRef: 'ek-gone', action: 'SELL', quantity: '5', isUnresolved });
      desk.trading('reduce-only');
      const order = { action: 'SELL', quantity: '5', orderType: 'STP', stopPrice: '2650' };
      await desk.perform(desk.command('place', { key: 'stop', conId, order }));
      expect(desk.placed).toHaveLength(isUnresolved ? 1 : 0);
    }
  });

  it('closes what the broker says is held, not what was told before', async () => {
    const desk = open();
    desk.position = '5';
    desk.listed = '3';
    await desk.perform(desk.command('flatten', { conId }));
    expect(desk.placed).toMatchObject([{ order: { action: 'SELL', totalQuantity: 3 } }]);
  });

  it('looks again where the list has another size than was told: it may be a word of before, and closed since', async () => {
    const desk = open();
    desk.position = '5';
    const rows = ['3', '0'];
    desk.onList = () => {
      desk.listed = rows.shift() ?? '0';
    };
    await desk.perform(desk.command('flatten', { conId }));
    expect(desk.placed).toEqual([]);
    expect(desk.answers).toMatchObject([{ answer: 'denied', code: 'NOTHING_TO_FLATTEN' }]);
  });

  it('is tried again where the broker says something else each time', async () => {
    const desk = open();
    desk.position = '9';
    desk.onList = () => {
      desk.listed = String(Number(desk.position) - 1);
    };
    await expect(desk.perform(desk.command('flatten', { conId }))).rejects.toThrow('COMMAND_AGAIN');
    expect([desk.placed, desk.answers]).toEqual([[], []]);
  });

  it('is tried again where the broker does not say what is held', async () => {
    const desk = open();
    desk.position = '5';
    desk.listOutcome = 'partial';
    await expect(desk.perform(desk.command('flatten', { conId }))).rejects.toThrow('positions are partial');
    expect([desk.placed, desk.answers]).toEqual([[], []]);
  });

  it('ends our own orders first, also where the gate had said no a moment before', async () => {
    const desk = open();
    desk.position = '5';
    desk.shows(stopOf());
    desk.onCancel = () => desk.ends('ek-stop');
    const command = desk.command('flatten', { key: 'flat', conId });
    const read = desk.memory.read.bind(desk.memory);
    let reads = 0;
    // Not connected at the first look, and at the second.
    desk.memory.read = async (of, refs) => {
      const items = await read(of, refs);
      if (refs.some(({ kind }) => kind === 'intent')) {
        reads += 1;
        desk.isReady = reads !== 1;
      }
      return items;
    };
    await desk.perform(command).catch(() => desk.perform(command));
    expect(desk.cancelled).toEqual([4]);
    expect(desk.placed).toHaveLength(1);
  });

  it('leaves the stop where it is when there is no time left to close behind it', async () => {
    const desk = open();
    desk.position = '5';
    desk.shows(stopOf());
    const validUntil = new Date(desk.nowMs + 3_000).toISOString();
    await desk.perform(desk.command('flatten', { key: 'flat', conId, validUntil }));
    expect([desk.cancelled, desk.placed]).toEqual([[], []]);
    expect(desk.answers).toMatchObject([{ answer: 'denied', code: 'EXPIRED' }]);
  });
});

describe('modify', () => {
  async function working(told: object) {
    const desk = open();
    await desk.perform(desk.command('place', { key: 'one', conId, order: buy }));
    const [written] = desk.placed;
    desk.shows({ orderId: written!.orderId, orderRef: written!.order.orderRef!, ...buyTerms, ...told });
    await desk.desk.settled();
    return desk;
  }
  const buyTerms = { action: 'BUY', quantity: '5', orderType: 'LMT', limitPrice: '2700' } as const;

  it('writes an order of our own client anew under its id', async () => {
    const desk = await working({});
    await desk.perform(desk.command('modify', { key: 'one', limitPrice: '2690' }));
    expect(desk.placed).toHaveLength(2);
    expect(desk.placed[1]).toMatchObject({ orderId: desk.placed[0]!.orderId, order: { lmtPrice: 2690 } });
  });

  it('does not write that of another client: under its id it would be a second order', async () => {
    const desk = await working({ clientId: 9 });
    await desk.perform(desk.command('modify', { key: 'one', limitPrice: '2690' }));
    expect(desk.placed).toHaveLength(1);
    expect(desk.answers.at(-1)).toMatchObject({ answer: 'denied', code: 'NOT_OURS' });
  });

  it('is answered at once where an earlier change stays unknown: a cancel may be waiting behind it', async () => {
    const desk = await working({});
    await desk.perform(desk.command('modify', { key: 'one', limitPrice: '2690' }));
    desk.linkLost(3);
    await desk.desk.settled();
    expect(desk.answers.at(-1)).toMatchObject({ command: 'modify', answer: 'unresolved' });
    await desk.perform(desk.command('modify', { key: 'one', limitPrice: '2680' }));
    expect(desk.placed).toHaveLength(2);
    expect(desk.answers.at(-1)).toMatchObject({ answer: 'denied', code: 'ORDER_UNKNOWN' });
  });

  it('does not write terms back that somebody has changed meanwhile', async () => {
    const desk = await working({});
    const command = desk.command('modify', { key: 'one', quantity: '4' });
    const [written] = desk.placed;
    const read = desk.memory.read.bind(desk.memory);
    // In TWS, while the book is asked.
    desk.memory.read = async (of, refs) => {
      const items = await read(of, refs);
      desk.shows({
        orderId: written!.orderId,
        orderRef: written!.order.orderRef!,
        ...buyTerms,
        limitPrice: refs.some(({ id }) => id.startsWith('MOD-')) ? '2680' : '2700',
      });
      return items;
    };
    await expect(desk.perform(command)).rejects.toThrow('changed');
    expect(desk.placed).toHaveLength(1);
    desk.memory.read = read;
    await desk.perform(command);
    expect(desk.placed[1]).toMatchObject({ order: { totalQuantity: 4, lmtPrice: 2680 } });
  });
});

describe('cancel-all', () => {
  it('is not answered as done while there is no link: it is tried again', async () => {
    const desk = open();
    desk.shows(stopOf());
    desk.isLinked = false;
    const command = desk.command('cancel-all', {});
    await expect(desk.perform(command)).rejects.toThrow('NOT_CONNECTED');
    expect(desk.answers).toEqual([]);
    desk.isLinked = true;
    await desk.perform(command);
    expect(desk.cancelled).toEqual([4]);
    expect(desk.answers).toMatchObject([{ answer: 'accepted' }]);
  });

  it('ends an order as well that has left and is not shown yet', async () => {
    const desk = open();
    await desk.perform(desk.command('place', { key: 'one', conId, order: buy }));
    const all = desk.perform(desk.command('cancel-all', {}));
    await sleep(120);
    desk.showsWritten(desk.placed[0]!);
    await all;
    expect(desk.cancelled).toEqual([desk.placed[0]!.orderId]);
  });

  it('leaves orders of other clients alone', async () => {
    const desk = open();
    desk.shows(stopOf({ clientId: 9 }));
    await desk.perform(desk.command('cancel-all', {}));
    expect(desk.cancelled).toEqual([]);
    expect(desk.answers).toMatchObject([{ answer: 'accepted' }]);
  });

  it("of a program does not go while trading is halted: only a person's does", async () => {
    const desk = open();
    desk.trading('halted');
    desk.shows(stopOf());
    await desk.perform(desk.command('cancel-all', { by: 'program' }));
    expect(desk.cancelled).toEqual([]);
    expect(desk.answers).toMatchObject([{ answer: 'denied', code: 'HALTED' }]);
    await desk.perform(desk.command('cancel-all', {}));
    expect(desk.cancelled).toEqual([4]);
  });
});

describe('a record that somebody has broken', () => {
  it('keeps no other order from its end', async () => {
    const desk = open();
    for (const key of ['a', 'b']) await desk.perform(desk.command('place', { key, conId, order: buy }));
    desk.write({ kind: 'intent', id: 'a' }, { key: 'a' });
    for (const written of desk.placed) desk.showsWritten(written);
    await desk.desk.settled();
    expect(desk.intent('b')).toMatchObject({ state: 'sent' });
    expect(desk.answers).toMatchObject([{ key: 'b', answer: 'accepted' }]);
  });
});

describe('a book that was restored from before an order', () => {
  const bought = async (desk: ReviewDesk) => {
    await desk.perform(desk.command('place', { key: 'a', conId, order: buy }));
    desk.showsWritten(desk.placed[0]!);
    await desk.desk.settled();
    return desk.placed[0]!;
  };

  it('does not let it leave again under its key: the disk knows that it has left', async () => {
    const desk = open();
    await bought(desk);
    desk.memory.items.delete(`${account} intent a`);
    await desk.perform(desk.command('place', { key: 'a', conId, order: buy }));
    expect(desk.placed).toHaveLength(1);
    expect(desk.answers.at(-1)).toMatchObject({ key: 'a', answer: 'denied', code: 'DUPLICATE' });
  });

  it('leaves the stop of a flatten where it is: its key is denied, and nothing would close behind the stop', async () => {
    const desk = open();
    desk.position = '5';
    desk.journal.begin('flat', 2);
    desk.journal.end('flat');
    desk.shows(stopOf());
    desk.onCancel = () => desk.ends('ek-stop');
    await desk.perform(desk.command('flatten', { key: 'flat', conId }));
    expect(desk.answers).toMatchObject([{ key: 'flat', answer: 'denied', code: 'DUPLICATE' }]);
    expect([desk.cancelled, desk.placed]).toEqual([[], []]);
  });

  it('with its record as it was on its way does not say that it never left: it is looked for', async () => {
    const former = open();
    const written = await bought(former);
    // The next process, on the same disk.
    const desk = open();
    desk.journal.begin('a', 2);
    desk.journal.end('a');
    desk.write({ kind: 'intent', id: 'a' }, { ...former.intent('a'), state: 'sending', message: '' });
    desk.write({ kind: 'desk', id: '' }, deskBody({ ...firstDesk, nextOrderId: 2, open: ['a'] }));
    await desk.desk.recover();
    await desk.desk.settled();
    expect(desk.answers).toEqual([]);
    expect(desk.intent('a')).toMatchObject({ state: 'sending' });
    desk.showsWritten(written);
    await desk.desk.settled();
    expect(desk.intent('a')).toMatchObject({ state: 'sent' });
  });
});

describe('what a run before this one left', () => {
  it('an intent that cannot be read is told of, and holds up nobody else', async () => {
    const desk = open();
    desk.write({ kind: 'desk', id: '' }, { nextOrderId: 3, open: ['broken'], leftAtMs: [], value: null });
    desk.write({ kind: 'intent', id: 'broken' }, { something: 'else' });
    await desk.perform(desk.command('place', { key: 'one', conId, order: buy }));
    expect(desk.placed).toHaveLength(1);
    expect(desk.alerts).toMatchObject([
      { alert: 'order_unresolved', severity: 'CRITICAL', subject: 'intent broken' },
    ]);
  });

  it('a record of the desk that cannot be read denies orders with words, and no command hangs in the queue', async () => {
    const desk = open();
    desk.write({ kind: 'desk', id: '' }, { nextOrderId: 'three' });
    const now = desk.nowMs;
    const command = desk.command('place', {
      key: 'one',
      conId,
      order: buy,
      issuedAt: new Date(now + 60_000).toISOString(),
      validUntil: new Date(now + 60_100).toISOString(),
    });
    desk.nowMs = now + 70_000;
    await desk.perform(command);
    expect(desk.placed).toEqual([]);
    expect(desk.answers).toMatchObject([
      {
        answer: 'denied',
        code: 'FLAGS_UNREADABLE',
        message: expect.stringContaining('DESK_INVALID') as string,
      },
    ]);
    expect(desk.alerts).toMatchObject([{ alert: 'order_blocked_safe_mode' }]);
    expect(desk.memory.items.has(`${account} intent one`)).toBe(false);
  });
});

describe('what is known after an outage of the broker behind a link that stayed up', () => {
  it('is not known before its lists have come again: a stop may have been hit meanwhile', () => {
    const asked: ((result: ListResult) => void)[] = [];
    const lists = {
      watch: () => undefined,
      onFact: () => undefined,
      connected: () => undefined,
      disconnected: () => undefined,
      ask: (list: BrokerList, told: (result: ListResult) => void) =>
        asked.push(() => told({ list, outcome: 'ok', facts: [] })),
      stats: () => ({}),
    };
    const driver = new TrackerDriver({
      options: { account },
      memory: [],
      epoch: 1,
      lists: lists as unknown as ListDesk,
      recorder: { record: () => undefined } as unknown as EventRecorder,
      logger: silent,
      systemMs: () => Date.parse('2026-01-05T15:00:00Z'),
    });
    const answerAll = () => {
      for (const answer of asked.splice(0)) (answer as () => void)();
    };
    driver.connected();
    answerAll();
    expect(driver.synced).toBe(true);
    driver.restored();
    expect(driver.synced).toBe(false);
    // Once more before they have come: those that are on their way are of before it.
    driver.restored();
    answerAll();
    expect(driver.synced).toBe(false);
    answerAll();
    expect(driver.synced).toBe(true);
    driver.stop();
  });
});

describe('a command that its sender lets be valid for a day', () => {
  it('is answered within minutes while the gateway is away: a cancel may be waiting behind it', async () => {
    const desk = open();
    desk.position = '5';
    desk.isReady = false;
    const from = desk.nowMs;
    const clock = setInterval(() => {
      desk.nowMs += 5_000;
    }, 20);
    const validUntil = '2026-01-06T15:00:00.000Z';
    await desk.perform(desk.command('flatten', { key: 'flat', conId, validUntil }));
    clearInterval(clock);
    expect(desk.answers).toMatchObject([{ key: 'flat', answer: 'denied', code: 'NOT_CONNECTED' }]);
    expect(desk.nowMs - from).toBeLessThan(10 * 60_000);
  });
});

describe('cancel', () => {
  it('is answered when its time is over, also where the broker cannot be asked', async () => {
    const desk = open();
    desk.ordersOutcome = 'failed';
    const command = desk.command('cancel', { permId: 9_004, clientId: 1, orderId: 4 });
    await expect(desk.perform(command)).rejects.toThrow('the open orders are failed');
    expect(desk.answers).toEqual([]);
    desk.nowMs += 31_000;
    await desk.perform(command);
    expect(desk.answers).toMatchObject([{ answer: 'denied', code: 'EXPIRED' }]);
    expect(desk.alerts).toMatchObject([{ alert: 'command_expired' }]);
  });
});

describe('while the book does not answer', () => {
  it('a flatten leaves the stop where it is, and is carried out whole once it does', async () => {
    const desk = open();
    desk.position = '5';
    desk.shows(stopOf());
    desk.onCancel = () => desk.ends('ek-stop');
    const command = desk.command('flatten', { key: 'flat', conId });
    const read = desk.memory.read.bind(desk.memory);
    let failures = 0;
    desk.memory.read = async (of, refs) => {
      failures += 1;
      if (failures <= 3) throw new Error('the table does not answer');
      return read(of, refs);
    };
    await expect(desk.perform(command)).rejects.toThrow('COMMAND_AGAIN');
    expect([desk.cancelled, desk.placed]).toEqual([[], []]);
    // Who is told to order anew while this one may still leave orders twice.
    expect(desk.alerts).toMatchObject([
      {
        alert: 'order_blocked_safe_mode',
        message: expect.stringContaining(`until ${command.validUntil}`) as string,
      },
    ]);
    await desk.perform(command);
    expect(desk.cancelled).toEqual([4]);
    expect(desk.placed).toMatchObject([{ order: { action: 'SELL', totalQuantity: 5 } }]);
  });
});

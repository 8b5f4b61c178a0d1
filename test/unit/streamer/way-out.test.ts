import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BrokerFact, BrokerList } from '../../../lib/domain/orders/broker-facts.ts';
import { brokerLists, ListDesk } from '../../../streamer/broker-lists.ts';
import { TrackerDriver } from '../../../streamer/tracker-driver.ts';
import { position } from '../orders/tracker-harness.ts';
import { FakeLink } from './fake-link.ts';
import { conId, ReviewDesk, silent } from './order-review-desk.ts';

const TIMEOUT = 20_000;
const needed: readonly BrokerList[] = ['open-orders', 'positions'];

describe('what is known while one of the lists never ends', () => {
  let link: FakeLink;
  let lists: ListDesk;
  let tracker: TrackerDriver;

  beforeEach(() => {
    vi.useFakeTimers();
    link = new FakeLink(undefined, {} as never);
    lists = new ListDesk(link as never, { account: 'DU1', timeoutMs: TIMEOUT, nextReqId: () => 1 });
    tracker = new TrackerDriver({
      options: { account: 'DU1', roundTimeoutMs: 3 * TIMEOUT },
      memory: [],
      epoch: 1,
      lists,
      recorder: { record: () => undefined } as never,
      logger: silent,
      systemMs: Date.now,
    });
    tracker.connected();
  });
  afterEach(() => {
    tracker.stop();
    vi.useRealTimers();
  });

  async function round(without?: BrokerList, rows: readonly BrokerFact[] = [position('2')]): Promise<void> {
    for (const row of rows) tracker.fact(row);
    for (const list of brokerLists) {
      if (list === 'executions') lists.onEnd({ list, reqId: list === without ? 7 : 1 });
      else if (list === 'account-values') lists.onEnd({ list, account: list === without ? 'DU2' : 'DU1' });
      else if (list !== without) lists.onEnd({ list });
    }
    await vi.advanceTimersByTimeAsync(TIMEOUT);
  }

  it.each(brokerLists)(
    '%s: the whole is not; what is held and what works is, unless it is that list',
    async (list) => {
      expect(tracker.canClose).toBe(false);
      await round(list);
      expect([tracker.synced, tracker.canClose]).toEqual([false, !needed.includes(list)]);
    },
  );

  it('is not known on another link, after an outage, nor while a list lacks what is held', async () => {
    await round('executions');
    tracker.restored();
    expect(tracker.canClose).toBe(false);
    await round('executions');
    expect(tracker.canClose).toBe(true);
    void lists.collect('positions');
    lists.onEnd({ list: 'positions' });
    expect(tracker.canClose).toBe(false);
    await vi.advanceTimersByTimeAsync(1_500);
    await round('executions', []);
    expect([tracker.canClose, tracker.positions('DU1')]).toEqual([true, []]);
    tracker.disconnected();
    tracker.connected();
    expect(tracker.canClose).toBe(false);
  });
});

describe('a desk that knows what is held and what works, and no more', () => {
  const stop = { orderId: 4, orderRef: 'ek-stop', action: 'SELL', quantity: '5' } as const;

  function open(): ReviewDesk {
    const desk = new ReviewDesk();
    desk.position = '5';
    desk.isReady = false;
    desk.canClose = true;
    return desk;
  }
  /** So short that nobody waits for what does not come. */
  const soon = (desk: ReviewDesk) => ({ validUntil: new Date(desk.nowMs + 1).toISOString() });

  it('a person flattens: the stop is ended, and what is held is closed', async () => {
    const desk = open();
    desk.shows(stop);
    desk.onCancel = () => desk.ends('ek-stop');
    await desk.perform(desk.command('flatten', { key: 'flat', conId }));
    expect(desk.cancelled).toEqual([4]);
    expect(desk.placed).toMatchObject([{ order: { action: 'SELL', totalQuantity: 5 } }]);
    expect(desk.intent('flat')).toMatchObject({ state: 'sending' });
  });

  it('a person closes, and protects, with an order of the position at most', async () => {
    for (const terms of [{ orderType: 'MKT' }, { orderType: 'STP', stopPrice: '2650' }]) {
      const desk = open();
      const order = { action: 'SELL', quantity: '5', ...terms };
      await desk.perform(desk.command('place', { key: 'out', conId, order }));
      expect(desk.placed).toHaveLength(1);
    }
  });

  it('nothing else leaves: what opens, what turns it round, a change, and what a program wants', async () => {
    const desk = open();
    desk.shows(stop);
    const order = { action: 'SELL', quantity: '5', orderType: 'MKT' };
    const buy = { ...order, action: 'BUY', quantity: '1' };
    await desk.perform(desk.command('place', { key: 'buy', conId, order: buy, ...soon(desk) }));
    await desk.perform(desk.command('place', { key: 'beside-the-stop', conId, order, ...soon(desk) }));
    desk.ends('ek-stop');
    await desk.perform(desk.command('place', { key: 'program', conId, order, by: 'program', ...soon(desk) }));
    expect(desk.answers.map(({ key, code }) => `${key} ${code}`)).toEqual([
      'buy NOT_CONNECTED',
      'beside-the-stop NOT_CONNECTED',
      'program NOT_CONNECTED',
    ]);
    expect(desk.placed).toEqual([]);
  });

  it('a child counts in full: its parent may have filled unseen', async () => {
    for (const isReady of [true, false]) {
      const desk = open();
      desk.isReady = isReady;
      desk.shows({ orderId: 3, orderRef: 'ek-entry', action: 'BUY', quantity: '5', orderType: 'LMT' });
      desk.shows({ ...stop, parentId: 3 });
      const order = { action: 'SELL', quantity: '5', orderType: 'MKT' };
      await desk.perform(desk.command('place', { key: 'out', conId, order, ...soon(desk) }));
      expect(desk.placed).toHaveLength(isReady ? 1 : 0);
    }
  });

  it('an order that has left and was not shown counts: it may close the same position', async () => {
    const desk = open();
    const order = { action: 'SELL', quantity: '5', orderType: 'LMT', limitPrice: '2700' };
    await desk.perform(desk.command('place', { key: 'first', conId, order }));
    await desk.perform(desk.command('place', { key: 'second', conId, order, ...soon(desk) }));
    expect(desk.placed).toHaveLength(1);
    expect(desk.answers.at(-1)).toMatchObject({ key: 'second', answer: 'denied' });
  });

  it('does not leave where that is known no more when it is recorded', async () => {
    const desk = open();
    const commit = desk.memory.commit.bind(desk.memory);
    desk.memory.commit = (...of) => {
      desk.canClose = false;
      return commit(...of);
    };
    const order = { action: 'SELL', quantity: '5', orderType: 'MKT' };
    await desk.perform(desk.command('place', { key: 'late', conId, order }));
    expect(desk.placed).toEqual([]);
    expect(desk.answers.at(-1)).toMatchObject({ key: 'late', answer: 'denied', code: 'NOT_CONNECTED' });
  });

  it('cancel-all ends what works, and says where there is nothing', async () => {
    const desk = open();
    desk.shows(stop);
    desk.onCancel = () => desk.ends('ek-stop');
    for (const _ of [1, 2]) await desk.perform(desk.command('cancel-all', { conId: null }));
    expect(desk.cancelled).toEqual([4]);
    expect(desk.answers.map(({ answer, message }) => `${answer} ${message[0]}`)).toEqual([
      'accepted 1',
      'accepted 0',
    ]);
  });
});

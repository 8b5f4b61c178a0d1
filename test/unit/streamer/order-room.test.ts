/** What the gate counts beside an order, and what must not keep anybody in a position. */
import { afterEach, describe, expect, it } from 'vitest';
import { lockBody } from '../../../lib/domain/safety/lock.ts';
import { conId, ReviewDesk } from './order-review-desk.ts';

const desks: ReviewDesk[] = [];

afterEach(() => {
  for (const { desk } of desks.splice(0)) desk.stop();
});

function open(risk: ConstructorParameters<typeof ReviewDesk>[0] = {}): ReviewDesk {
  const desk = new ReviewDesk(risk);
  desks.push(desk);
  return desk;
}

const buy = { action: 'BUY', quantity: '5', orderType: 'LMT', limitPrice: '2700' } as const;
const stop = { orderId: 4, orderRef: 'ek-stop' };

describe('flatten', () => {
  it('closes although an order of ours is unresolved: its cancel has nothing to end', async () => {
    const desk = open();
    desk.position = '5';
    desk.shows({ ...stop, isUnresolved: true });
    await desk.perform(desk.command('flatten', { key: 'flat', conId }));
    // It is asked to end all the same: the lists may have been wrong.
    expect(desk.cancelled).toEqual([4]);
    expect(desk.placed).toMatchObject([{ order: { action: 'SELL', orderType: 'MKT', totalQuantity: 5 } }]);
  });

  it('waits for the others of ours, and not for the unresolved one', async () => {
    const desk = open();
    desk.position = '5';
    desk.shows({ orderId: 3, orderRef: 'ek-lost', isUnresolved: true });
    desk.shows(stop);
    desk.onCancel = (orderId) => {
      if (orderId === 4) setTimeout(() => desk.ends('ek-stop'), 60);
    };
    await desk.perform(desk.command('flatten', { key: 'flat', conId }));
    expect(desk.cancelled).toEqual([3, 4]);
    expect(desk.placed).toHaveLength(1);
  });

  it('does not count the orders that it ends first among those that work', async () => {
    const desk = open({ maxOpenOrders: 2 });
    desk.position = '5';
    desk.shows(stop);
    desk.shows({ orderId: 5, orderRef: 'ek-target', orderType: 'LMT', limitPrice: '2720' });
    desk.onCancel = (orderId) => desk.ends(orderId === 4 ? 'ek-stop' : 'ek-target');
    await desk.perform(desk.command('flatten', { key: 'flat', conId }));
    expect(desk.answers).toEqual([]);
    expect(desk.placed).toHaveLength(1);
  });
});

describe('the position as if all that works were filled', () => {
  it('counts a larger quantity from when the change has left, not from when it is shown', async () => {
    const desk = open();
    await desk.perform(desk.command('place', { key: 'one', conId, order: buy }));
    desk.showsWritten(desk.placed[0]!);
    await desk.desk.settled();
    await desk.perform(desk.command('modify', { key: 'one', quantity: '45' }));
    await desk.perform(desk.command('place', { key: 'two', conId, order: { ...buy, quantity: '10' } }));
    expect(desk.answers.at(-1)).toMatchObject({ key: 'two', answer: 'denied', code: 'MAX_POSITION' });
    expect(desk.placed.map(({ order }) => order.totalQuantity)).toEqual([5, 45]);
  });

  it('counts a child for what its parent has filled: it is awake for that', async () => {
    const desk = open();
    desk.write(
      { kind: 'lock', id: '' },
      lockBody(
        { state: 'locked', reason: 'test', runId: 'run', token: 1 },
        'run',
        '2026-01-05T15:00:00.000Z',
      ),
    );
    desk.position = '3';
    desk.shows({ orderId: 3, orderRef: 'ek-entry', ...buy, filled: '3' });
    desk.shows({ ...stop, parentId: 3 });
    const sell = { action: 'SELL', quantity: '3', orderType: 'LMT', limitPrice: '2710' };
    await desk.perform(desk.command('place', { key: 'both', conId, order: sell }));
    // With the stop it would sell six of three.
    expect(desk.answers).toMatchObject([{ key: 'both', answer: 'denied', code: 'RECONCILE_LOCKED' }]);
    expect(desk.placed).toEqual([]);
  });
});

describe('modify', () => {
  it('does not write an order that the lists lack: to the broker it could be a new one', async () => {
    const desk = open();
    await desk.perform(desk.command('place', { key: 'one', conId, order: buy }));
    const [{ orderId, order }] = desk.placed as [(typeof desk.placed)[number]];
    desk.showsWritten(desk.placed[0]!);
    await desk.desk.settled();
    desk.shows({ ...buy, orderId, orderRef: order.orderRef!, isUnresolved: true });
    await desk.perform(desk.command('modify', { key: 'one', limitPrice: '2690' }));
    expect(desk.answers.at(-1)).toMatchObject({ command: 'modify', answer: 'denied', code: 'ORDER_UNKNOWN' });
    expect(desk.placed).toHaveLength(1);
  });
});

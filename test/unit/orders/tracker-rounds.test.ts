import { describe, expect, it } from 'vitest';
import { deadline, type TrackerDoc } from '../../../lib/domain/orders/tracker.ts';
import {
  commission,
  completed,
  execution,
  openOrder,
  orderError,
  orderStatus,
  TrackedDesk,
  terms,
} from './tracker-harness.ts';

const all = ['open-orders', 'completed-orders', 'executions', 'positions', 'account-values'];
const orders = all.slice(0, 3);
const day = 86_400_000;

describe('rounds', () => {
  it('asks for all lists at connect, and for orders and executions every resyncMs', () => {
    const desk = new TrackedDesk();
    expect(deadline(desk.state)).toBe(Number.POSITIVE_INFINITY);
    desk.connect();
    expect(desk.asked).toEqual(all);
    desk.answer();
    expect(desk.synced).toMatchObject([{ complete: true }]);
    expect(deadline(desk.state)).toBe(desk.nowMs + 60_000);
    desk.nowMs += 60_000;
    desk.input({ kind: 'tick' });
    expect(desk.asked).toEqual(orders);
  });

  it('runs one round at a time, and another after a restore in the midst of one', () => {
    const desk = new TrackedDesk().connect().input({ kind: 'restored' }).input({ kind: 'tick' });
    expect(desk.asked).toEqual(all);
    desk.answer();
    // Its lists were told before the restore.
    expect(desk.synced).toEqual([]);
    expect(desk.asked).toEqual(all);
    desk.answer();
    expect(desk.synced).toMatchObject([{ complete: true }]);
  });

  it('counts a list without an end as failed, and asks nothing without a link', () => {
    const desk = new TrackedDesk().connect();
    desk.input({ kind: 'list-end', list: 'executions', outcome: 'ok' });
    desk.nowMs = deadline(desk.state);
    desk.input({ kind: 'tick' });
    expect(desk.synced).toMatchObject([
      { complete: false, outcomes: { executions: 'ok', 'open-orders': 'failed', positions: 'failed' } },
    ]);
    desk.input({ kind: 'disconnected' });
    expect(deadline(desk.state)).toBe(Number.POSITIVE_INFINITY);
    desk.asked.length = 0;
    desk.nowMs += day;
    desk.input({ kind: 'tick' }).input({ kind: 'restored' });
    expect(desk.asked).toEqual([]);
  });

  it('draws nothing from the end of a list that was asked on the link before', () => {
    const desk = new TrackedDesk().connect().input({ kind: 'disconnected' });
    desk.input({ kind: 'list-end', list: 'open-orders', outcome: 'ok' });
    expect(desk.synced).toEqual([]);
  });

  it('tells only what was missed while the link was down', () => {
    const desk = new TrackedDesk()
      .connect()
      .answer()
      .fact(openOrder(), execution('e1.01', '2'), commission('e1.01'));
    desk.news();
    desk
      .input({ kind: 'disconnected' })
      .connect()
      .answer({
        'completed-orders': [completed('Filled Size: 5')],
        executions: [
          execution('e1.01', '2'),
          commission('e1.01'),
          execution('e2.01', '3', { cumulativeQuantity: '5' }),
          commission('e2.01'),
        ],
      });
    expect(desk.news()).toEqual(['order.filled', 'fill.received', 'commission.received']);
    expect(desk.view()).toMatchObject({ filled: '5', missing: '0', commissions: { USD: '4.5' } });
  });
});

describe('an order that no list has', () => {
  const missing = () => new TrackedDesk().connect().answer().fact(openOrder());

  it('is not ended; a person hears of it once, after three complete rounds', () => {
    const desk = missing();
    desk.news();
    desk.round().round();
    expect(desk.news()).toEqual([]);
    desk.round();
    expect(desk.alerts()).toEqual(['INFO order_unresolved order P900100']);
    desk.round().round().round().round();
    const again = desk.restarted().connect().answer().round().round().round();
    expect([...desk.news(), ...again.news()]).toEqual([]);
    expect(again.view().status).toBe('Submitted');
  });

  it.each(['open-orders', 'completed-orders', 'executions'] as const)(
    'is not judged by rounds without a complete list of %s',
    (list) => {
      const desk = missing();
      desk.news();
      for (let n = 0; n < 6; n += 1) desk.round({}, { [list]: n % 2 === 0 ? 'failed' : 'partial' });
      expect(desk.news()).toEqual([]);
    },
  );

  it('begins to count again once a list has it', () => {
    const desk = missing();
    desk.news();
    desk
      .round()
      .round()
      .round({ 'open-orders': [openOrder()] })
      .round()
      .round();
    expect(desk.news()).toEqual([]);
  });

  it('is explained when it was never transmitted', () => {
    const desk = new TrackedDesk()
      .connect()
      .answer()
      .fact(openOrder({ transmit: false }));
    desk.news();
    desk.round().round().round();
    expect(desk.emitted[0]!.data).toMatchObject({ message: expect.stringContaining('not transmitted') });
  });
});

describe('facts that wait', () => {
  it('joins a status, an error and a cost that come before what they are about', () => {
    const desk = new TrackedDesk().fact(
      commission('e1.01'),
      orderStatus('Submitted', '2'),
      orderError(399, 'soon'),
    );
    expect(desk.news()).toEqual([]);
    desk.fact(openOrder({ status: 'PreSubmitted' }), execution('e1.01', '2'));
    expect(desk.view()).toMatchObject({ filled: '2', reason: { code: 399 }, commissions: { USD: '2.25' } });
  });

  it('says after a complete round what nothing explains', () => {
    const desk = new TrackedDesk().connect().answer();
    desk.fact(
      commission('e9.01'),
      orderStatus('Submitted', '0', { permId: 5, orderId: 99 }),
      orderError(201, 'no', { orderId: 98 }),
    );
    desk.fact(execution('e8.01', '1', { permId: 0, orderId: 97 }));
    desk.round({ executions: [commission('e9.01')] });
    expect(
      desk.emitted.map(({ name, data }) => [
        name,
        'alert' in data ? data.alert : 'orderKey' in data && data.orderKey,
      ]),
    ).toEqual([
      ['fill.received', 'Ee8'],
      ['commission.received', ''],
      ['alert.raised', 'order_unknown'],
      ['alert.raised', 'order_error_unmatched'],
    ]);
    desk.news();
    desk.round({ executions: [commission('e9.01')] }).round();
    expect(desk.news()).toEqual([]);
  });

  it('says of an order that IB never accepted that no list has it', () => {
    const desk = new TrackedDesk()
      .connect()
      .answer()
      .fact(openOrder({ permId: 0, status: 'PendingSubmit' }));
    const again = desk.restarted();
    again.connect().answer({ 'open-orders': [openOrder({ permId: 0, status: 'PendingSubmit' })] });
    expect(again.alerts()).toEqual([]);
    again.round();
    expect(again.alerts()).toEqual(['INFO order_never_accepted order 7:13']);
    expect([...again.memory.keys()]).toEqual(['coverage']);
    const ended = new TrackedDesk()
      .connect()
      .answer()
      .fact(openOrder(), orderStatus('Cancelled'), openOrder({ permId: 0 }));
    expect(ended.round().alerts()).toEqual([]);
  });

  it('says once that a completed order cannot be told from others', () => {
    const nameless = completed('Filled Size: 5', { permId: 0 });
    const desk = new TrackedDesk().connect().answer({ 'completed-orders': [nameless, nameless] });
    expect(desk.round({ 'completed-orders': [nameless] }).alerts()).toEqual(['INFO order_unidentified ESH6']);
  });

  it('is bounded, and tells of the bound once', () => {
    const desk = new TrackedDesk({ waitingMax: 2, heldMax: 2 });
    for (let n = 0; n < 5; n += 1)
      desk.fact(commission(`e${n}.01`), openOrder({ permId: 0, orderId: 20 + n, status: 'PendingSubmit' }));
    expect(desk.alerts()).toEqual([
      'HIGH tracker_bound_reached commissions without their execution',
      'HIGH tracker_bound_reached orders without a permId',
    ]);
    expect(desk.state.commissions.size).toBe(2);
    expect([...desk.memory.keys()]).toEqual(['held:7:23', 'held:7:24']);
  });
});

describe('memory', () => {
  it('forgets orders that ended a week ago, but not the parent of one that works', () => {
    const desk = new TrackedDesk().connect().answer().fact(openOrder(), orderStatus('Filled', '5'));
    desk.fact(openOrder({ orderId: 14, permId: 900101, terms: terms({ parentId: 13 }) }));
    desk.fact(completed('Cancelled by Trader', { permId: 900102 }));
    const child = openOrder({ orderId: 14, permId: 900101, terms: terms({ parentId: 13 }) });
    desk.nowMs += 6 * day;
    desk.round({ 'open-orders': [child] });
    expect([...desk.memory.keys()].filter((key) => key.startsWith('order:'))).toHaveLength(3);
    desk.nowMs += 2 * day;
    desk.round({ 'open-orders': [child] });
    expect([...desk.memory.keys()].filter((key) => key.startsWith('order:')).sort()).toEqual([
      'order:P900100',
      'order:P900101',
    ]);
    const again = desk.restarted();
    expect([...again.state.orders.keys()].sort()).toEqual(['P900100', 'P900101']);
  });

  it('does not forget what IB still lists', () => {
    const desk = new TrackedDesk().connect().answer().fact(completed('Cancelled by Trader'));
    desk.news();
    for (let n = 0; n < 10; n += 1) {
      desk.nowMs += day;
      desk.round({ 'completed-orders': [completed('Cancelled by Trader')] });
    }
    expect(desk.news()).toEqual([]);
  });

  it('says that it could not read a document, and goes on', () => {
    const from = new TrackedDesk().fact(openOrder());
    from.memory.set('order:P1', { v: 99 } as TrackerDoc);
    const desk = from.restarted().fact(openOrder());
    expect(desk.alerts()).toEqual(['MEDIUM tracker_memory_unreadable tracker']);
  });

  it('bounds the orders that it follows', () => {
    const desk = new TrackedDesk({ ordersMax: 2 }).connect().answer();
    for (let n = 0; n < 4; n += 1) desk.fact(completed('Cancelled by Trader', { permId: n + 1 }));
    desk.news();
    desk.round();
    expect(desk.alerts()).toEqual(['HIGH tracker_bound_reached orders']);
    expect(desk.state.orders.size).toBe(2);
  });
});

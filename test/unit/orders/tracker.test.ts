import { describe, expect, it } from 'vitest';
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

const life = [
  openOrder({ status: 'PreSubmitted' }),
  orderStatus('PreSubmitted'),
  orderStatus('Submitted'),
  execution('e1.01', '2'),
  orderStatus('Submitted', '2'),
  execution('e2.01', '3', { cumulativeQuantity: '5' }),
  orderStatus('Filled', '5'),
  commission('e1.01'),
  commission('e2.01'),
];

describe('one event for each real change', () => {
  it('tells the life of an order once', () => {
    const desk = new TrackedDesk().fact(...life);
    expect(desk.news()).toEqual([
      'order.placed',
      'order.changed',
      'fill.received',
      'order.changed',
      'fill.received',
      'order.filled',
      // The end that followed from the fills is now IB's word.
      'order.changed',
      'commission.received',
      'commission.received',
    ]);
    expect(desk.view()).toMatchObject({ status: 'Filled', filled: '5', averagePrice: '5000', missing: '0' });
  });

  it('says nothing of repeats, in whatever list they come', () => {
    const desk = new TrackedDesk().fact(...life);
    desk.news();
    desk
      .fact(...life, ...life.toReversed())
      .connect()
      .answer({ executions: life, 'completed-orders': [completed('Filled Size: 5')] });
    expect(desk.news()).toEqual([]);
  });

  it('tells an amendment and a hold', () => {
    const desk = new TrackedDesk().fact(openOrder(), openOrder({ terms: terms({ limitPrice: '5001' }) }));
    expect(desk.news()).toEqual(['order.placed', 'order.changed']);
    desk.fact(
      orderStatus('Submitted', '0', { whyHeld: 'locate' }),
      orderStatus('Submitted', '0', { whyHeld: 'locate' }),
    );
    expect(desk.news()).toEqual(['order.changed']);
    expect(desk.view()).toMatchObject({ terms: { limitPrice: '5001' }, whyHeld: 'locate' });
  });

  it('tells an order that is first seen completed by its end, with the quantity that IB leaves out', () => {
    const desk = new TrackedDesk().fact(completed('Filled Size: 5'));
    expect(desk.emitted[0]).toMatchObject({ name: 'order.filled', data: { terms: { quantity: '5' } } });
    expect(desk.emitted).toHaveLength(1);
    expect(desk.emitted[0]!.occurredAtMs).toBe(completed('').completedAtMs);
  });

  it('tells an expiry as the cancel that it is', () => {
    const desk = new TrackedDesk().fact(openOrder(), completed('Cancelled by System: Order expired'));
    expect(desk.news()).toEqual(['order.placed', 'order.cancelled']);
    expect(desk.view()).toMatchObject({ status: 'Expired' });
  });
});

describe('keys', () => {
  it('holds an order back until it has a permId', () => {
    const desk = new TrackedDesk().fact(openOrder({ permId: 0, status: 'PendingSubmit' }));
    desk.fact(orderStatus('PendingSubmit', '0', { permId: 0 }));
    expect(desk.news()).toEqual([]);
    desk.fact(orderStatus('PreSubmitted'));
    expect(desk.emitted).toMatchObject([
      { name: 'order.placed', data: { orderKey: 'P900100', status: 'PreSubmitted', orderRef: 'ref-1' } },
    ]);
  });

  it('tells a refusal that never gets a permId under its own key, once', () => {
    const desk = new TrackedDesk().fact(
      openOrder({ permId: 0, status: 'PendingSubmit' }),
      orderError(201, 'no margin'),
    );
    expect(desk.emitted).toMatchObject([
      {
        name: 'order.rejected',
        data: { orderKey: 'C7-13-1', status: 'Rejected', reason: { code: 201, message: 'no margin' } },
      },
    ]);
    desk.news();
    // IB says the end again, now with a permId: still the same order.
    desk.fact(orderStatus('Inactive'), completed('Rejected by System: no margin'));
    expect(new Set(desk.emitted.map(({ data }) => (data as { orderKey: string }).orderKey))).toEqual(
      new Set(['C7-13-1']),
    );
    expect(desk.view('C7-13-1')).toMatchObject({ status: 'Rejected', permId: 900100 });
  });

  it('does not take a filled order for the refused one of the same reference or order id', () => {
    const refused = [openOrder({ permId: 0, status: 'PendingSubmit' }), orderError(201, 'no margin')];
    // One reference for all orders of a program, and one that was filled while nobody looked.
    const byList = new TrackedDesk().fact(...refused).connect();
    byList.answer({
      'completed-orders': [completed('Filled Size: 5', { permId: 900101 })],
      executions: [execution('e1.01', '5', { permId: 900101, orderId: 14 })],
    });
    // An id that begins again, and an order that is filled before anything else is said of it.
    const byStatus = new TrackedDesk().fact(...refused);
    byStatus.fact(openOrder({ permId: 900101, status: 'Filled' }));
    byStatus.fact(orderStatus('Filled', '5', { permId: 900101 }));
    for (const desk of [byList, byStatus]) {
      expect(desk.view('C7-13-1')).toMatchObject({ status: 'Rejected', permId: 0, filled: '0' });
      expect(desk.view('P900101')).toMatchObject({ status: 'Filled', permId: 900101, reason: null });
    }
  });

  it('keeps orders of two clients with one order id apart', () => {
    const desk = new TrackedDesk().fact(openOrder(), openOrder({ clientId: 8, permId: 900200 }));
    desk.fact(orderStatus('Cancelled', '0', { clientId: 8, permId: 900200 }), orderStatus('Submitted'));
    expect(desk.view('P900200').status).toBe('Cancelled');
    expect(desk.view().status).toBe('Submitted');
  });

  it('takes an order id that is used again for another order', () => {
    const desk = new TrackedDesk().fact(openOrder(), orderStatus('Cancelled'));
    desk.fact(openOrder({ permId: 0, status: 'PendingSubmit', orderRef: 'ref-2' }));
    desk.fact(openOrder({ permId: 900101, orderRef: 'ref-2' }), orderError(201, 'refused change'));
    expect(desk.view()).toMatchObject({ status: 'Cancelled', orderRef: 'ref-1', reason: null });
    expect(desk.view('P900101')).toMatchObject({ status: 'Submitted', orderRef: 'ref-2' });
  });

  it('keeps a reference that comes with a suffix, or not at all', () => {
    const desk = new TrackedDesk().fact(
      openOrder(),
      openOrder({ orderRef: 'ref-1_x' }),
      openOrder({ orderRef: '' }),
    );
    expect(desk.news()).toEqual(['order.placed']);
  });

  it('marks an order that was typed into TWS', () => {
    const desk = new TrackedDesk().fact(openOrder({ orderId: 0, clientId: 0, orderRef: '' }));
    expect(desk.emitted[0]!.data).toMatchObject({ orderKey: 'P900100', origin: 'manual' });
  });
});

describe('parents', () => {
  const child = openOrder({ orderId: 14, permId: 900101, terms: terms({ parentId: 13, action: 'SELL' }) });

  it('links a child to a parent that is known', () => {
    const desk = new TrackedDesk().fact(openOrder(), child);
    expect(desk.view('P900101').terms!.parentKey).toBe('P900100');
    expect(desk.news()).toEqual(['order.placed', 'order.placed']);
  });

  it('links it when the parent comes later, also after a restart', () => {
    const desk = new TrackedDesk().fact(child).restarted().fact(openOrder());
    expect(desk.news()).toEqual(['order.placed', 'order.changed']);
    expect(desk.view('P900101').terms!.parentKey).toBe('P900100');
  });

  it('links by the permId that completed orders have', () => {
    const desk = new TrackedDesk().fact(
      completed('Cancelled by Trader', { permId: 900101, parentPermId: 900100 }),
    );
    desk.fact(completed('Filled Size: 5'));
    expect(desk.view('P900101').terms!.parentKey).toBe('P900100');
  });
});

describe('errors', () => {
  it('keeps a warning and lets the order live', () => {
    const desk = new TrackedDesk().fact(openOrder(), orderError(399, 'not before the open'));
    expect(desk.news()).toEqual(['order.placed', 'order.changed']);
    expect(desk.view()).toMatchObject({ status: 'Submitted', reason: { code: 399 } });
  });

  it('an order whose change was refused, and which is cancelled later, was not refused', () => {
    const desk = new TrackedDesk().connect().answer({ 'open-orders': [openOrder()] });
    desk.fact(orderError(201, 'no margin for the larger quantity'));
    expect(desk.view().reason).toMatchObject({ code: 201 });
    // IB lists it as working: what it refused was the change.
    desk.round({ 'open-orders': [openOrder()] }).news();
    desk.fact(orderStatus('PendingCancel'), orderStatus('Cancelled'));
    expect(desk.news()).toEqual(['order.changed', 'order.cancelled']);
    expect(desk.view()).toMatchObject({ status: 'Cancelled', reason: null });
    // The order itself: no word of a working order comes after the refusal.
    const refused = new TrackedDesk().fact(openOrder(), orderError(201, 'no'), orderStatus('Cancelled'));
    expect(refused.view()).toMatchObject({ status: 'Rejected', reason: { code: 201 } });
  });

  it('says nothing of an order that had ended, and asks where only lists know', () => {
    const desk = new TrackedDesk().connect().answer().fact(openOrder(), orderStatus('Cancelled'));
    desk.news();
    desk.fact(orderError(10148, 'cannot be cancelled'));
    expect(desk.news()).toEqual([]);
    desk.fact(openOrder({ permId: 900101, orderId: 14 }), orderError(10147, 'not found', { orderId: 14 }));
    desk.nowMs += 1_000;
    desk.input({ kind: 'tick' });
    expect(desk.asked).toContain('completed-orders');
  });
});

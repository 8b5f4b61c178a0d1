/** Each fault of the order side, as a client of the simulated gateway meets it, and what the broker's record says. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { FaultInput } from '../../sandbox/gateway/index.ts';
import { type IbClient, RawClient } from '../helpers/gateway-client.ts';
import {
  commissions,
  executions,
  isStatus,
  OrderGateway,
  orderEvents,
  statuses,
} from '../helpers/order-gateway.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A gateway with one client whose order 1 rests, and with the fault switched. */
async function resting(fault?: FaultInput, options = {}): Promise<{ desk: OrderGateway; ib: IbClient }> {
  const desk = await OrderGateway.start(closing, options);
  const ib = await desk.client();
  desk.rest(ib, 1, { totalQuantity: 4 });
  await ib.next('orderStatus');
  if (fault !== undefined) desk.fault(fault);
  return { desk, ib };
}
/** Waits until the client has had everything that was sent before. */
async function caughtUp(ib: IbClient): Promise<void> {
  const before = ib.all('currentTime').length;
  ib.ib.reqCurrentTime();
  await ib.until('the current time', () => ib.all('currentTime').length > before);
}
async function asked(ib: IbClient, id = 50): Promise<ReturnType<typeof executions>> {
  ib.ib.reqExecutions(id, {});
  await ib.next('execDetailsEnd', ([ended]) => ended === id);
  return executions(ib, id);
}
const fillAll: FaultInput = { type: 'fill', price: '2600' };

describe('executions', () => {
  it('duplicate-execution: the same execution twice, once in the record', async () => {
    const { desk, ib } = await resting({ type: 'duplicate-execution' });
    desk.fault(fillAll);
    await ib.next('commissionReport');
    const [first, second, ...rest] = executions(ib);
    expect([second, rest]).toEqual([first, []]);
    expect(desk.gateway.broker().executions.length).toBe(1);
  });

  it('late-execution: the status comes first, the execution after it or some tape time later', async () => {
    const { desk, ib } = await resting({ type: 'late-execution' });
    desk.fault({ ...fillAll, quantity: '2' });
    await ib.next('commissionReport');
    expect(orderEvents(ib).slice(2)).toEqual([
      'openOrder 1 Submitted',
      'orderStatus 1 Submitted',
      'execDetails 1',
      'commissionReport',
    ]);
    desk.fault({ type: 'late-execution', afterMs: 60_000 });
    desk.fault(fillAll);
    await ib.next('orderStatus', isStatus(1, 'Filled'));
    await caughtUp(ib);
    expect(executions(ib).length).toBe(1);
    await ib.until('the late execution', () => executions(ib).length === 2);
  });

  it('missing-execution: never told, but in reqExecutions', async () => {
    const { desk, ib } = await resting({ type: 'missing-execution' });
    desk.fault(fillAll);
    await ib.next('orderStatus', isStatus(1, 'Filled'));
    await caughtUp(ib);
    expect([executions(ib), commissions(ib)]).toEqual([[], []]);
    expect(await asked(ib)).toMatchObject([{ orderId: 1, shares: 4 }]);
    expect(commissions(ib).length).toBe(1);
  });

  it('missing-status: only the execution tells of the fill', async () => {
    const { desk, ib } = await resting({ type: 'missing-status' });
    desk.fault(fillAll);
    await ib.next('commissionReport');
    expect(orderEvents(ib).slice(2)).toEqual(['execDetails 1', 'commissionReport']);
  });

  it('noisy-execution: the same execId once more with another price; the first one is the truth', async () => {
    const { desk, ib } = await resting({ type: 'noisy-execution', priceShift: '-0.5' });
    desk.fault(fillAll);
    await ib.next('commissionReport');
    const seen = executions(ib);
    expect(seen.map(({ price }) => price)).toEqual([2600, 2599.5]);
    expect(new Set(seen.map(({ execId }) => execId)).size).toBe(1);
    expect(desk.gateway.broker().executions).toMatchObject([{ price: '2600' }]);
  });

  it.each([
    [false, ['01', '02'], [2600, 2600.5]],
    [true, ['02', '01'], [2600.5, 2600]],
  ])('corrected-execution, the correction first: %s', async (first, revisions, prices) => {
    const { desk, ib } = await resting({
      type: 'corrected-execution',
      priceShift: '0.5',
      quantity: '3',
      first,
    });
    desk.fault(fillAll);
    await ib.until('both revisions', () => executions(ib).length === 2);
    const seen = executions(ib);
    expect(seen.map(({ execId }) => execId.slice(-2))).toEqual(revisions);
    expect(seen.map(({ price }) => price)).toEqual(prices);
    const { executions: record, positions, orders } = desk.gateway.broker();
    expect(record.map(({ quantity, superseded }) => [quantity, superseded])).toEqual([
      ['4', true],
      ['3', false],
    ]);
    expect([positions[0]!.position, orders[0]!.filled]).toEqual(['3', '3']);
  });

  it('correct and bust: later revisions of an execution; position and cash follow; every revision is listed', async () => {
    const { desk, ib } = await resting(fillAll);
    await ib.next('commissionReport');
    ib.ib.reqPositions();
    const execId = executions(ib)[0]!.execId;
    desk.fault({ type: 'correct', execId, price: '2601' });
    desk.fault({ type: 'correct', price: '2602', quantity: '3' });
    await ib.next('position', (args) => args[2] === 3);
    desk.fault({ type: 'bust' });
    await ib.next('position', (args) => args[2] === 0);
    expect((await asked(ib)).map(({ execId: id, shares }) => [id.slice(-2), shares])).toEqual([
      ['01', 4],
      ['02', 4],
      ['03', 3],
      ['04', 0],
    ]);
    expect(desk.gateway.broker()).toMatchObject({
      orders: [{ filled: '0', executions: [] }],
      positions: [{ position: '0', averageCost: '0' }],
      cash: [{ cash: '1000000.00' }],
    });
  });

  it.each(['never', 'sentinel', 'minus-one', 'before'] as const)('commission %s', async (how) => {
    const { desk, ib } = await resting({ type: 'commission', how });
    desk.fault(fillAll);
    await ib.next('orderStatus', isStatus(1, 'Filled'));
    await caughtUp(ib);
    const events = orderEvents(ib).slice(2);
    if (how === 'before') expect(events.slice(0, 2)).toEqual(['commissionReport', 'execDetails 1']);
    if (how === 'never')
      expect([events.includes('commissionReport'), await asked(ib)]).toMatchObject([false, [{}]]);
    if (how === 'never') expect(commissions(ib)).toEqual([]);
    const told = commissions(ib).map(({ commission }) => commission);
    // @stoqey/ib reads IB's greatest number as nothing.
    if (how === 'sentinel') expect(told).toEqual([undefined]);
    if (how === 'minus-one') expect(told).toEqual([-1]);
  });

  it('overfill: the fill that completes an order is too large', async () => {
    const { desk, ib } = await resting({ type: 'overfill', by: '2' });
    desk.fault({ ...fillAll, quantity: '3' });
    desk.fault(fillAll);
    await ib.next('orderStatus', isStatus(1, 'Filled'));
    expect(executions(ib).map(({ shares, cumQty }) => [shares, cumQty])).toEqual([
      [3, 3],
      [3, 6],
    ]);
    expect(desk.gateway.broker()).toMatchObject({
      orders: [{ quantity: '4', filled: '6' }],
      positions: [{ position: '6' }],
    });
  });

  it('liquidation: IB closes a position by itself, in no client’s name', async () => {
    const { desk, ib } = await resting(fillAll);
    const master = await desk.client(1);
    await ib.next('commissionReport');
    desk.fault({ type: 'liquidation' });
    const [, , execution] = await master.next('execDetails');
    expect(execution).toMatchObject({ liquidation: 1, side: 'SLD', shares: 4, clientId: 0, orderId: 0 });
    await caughtUp(ib);
    expect(executions(ib).length).toBe(1);
    expect(desk.gateway.broker().positions[0]!.position).toBe('0');
    expect(() => desk.fault({ type: 'liquidation' })).toThrow('no such position');
  });
});

describe('orders', () => {
  it.each([
    [true, ['Inactive'], 'Rejected by System: no margin'],
    [false, [], undefined],
  ])('reject-order, with a permId: %s', async (permId, words, completed) => {
    const { desk, ib } = await resting({
      type: 'reject-order',
      text: 'Order rejected - reason:no margin',
      permId,
    });
    desk.rest(ib, 2);
    desk.rest(ib, 3);
    expect(await ib.code(201)).toMatchObject({ id: 2, text: 'Order rejected - reason:no margin' });
    await ib.next('orderStatus', isStatus(3, 'Submitted'));
    expect(statuses(ib, 2)).toEqual(words);
    ib.ib.reqCompletedOrders(false);
    await ib.next('completedOrdersEnd');
    const [, , state] = (ib.all('completedOrder')[0] ?? []) as [
      unknown,
      unknown,
      { completedStatus: string }?,
    ];
    expect(state?.completedStatus).toBe(completed);
  });

  it('late-perm-id: the order is told with permId 0 first', async () => {
    const { desk, ib } = await resting({ type: 'late-perm-id' });
    desk.rest(ib, 2);
    await ib.next('orderStatus', isStatus(2, 'Submitted'));
    const seen = ib.all('orderStatus').filter(([id]) => id === 2);
    const { permId } = desk.gateway.broker().orders[1]!;
    expect(seen.map((args) => [args[1], args[5]])).toEqual([
      ['PendingSubmit', 0],
      ['Submitted', permId],
    ]);
  });

  it('expire: a GTC order ends by itself', async () => {
    const { desk, ib } = await resting({ type: 'expire', orderId: 1 });
    expect((await ib.code(202)).text).toContain('expired');
    expect(statuses(ib, 1)).toEqual(['Submitted', 'Cancelled']);
    expect(() => desk.fault({ type: 'expire' })).toThrow('no such order');
  });

  it('fill after Cancelled: the execution comes, the order is filled after all', async () => {
    const { desk, ib } = await resting();
    ib.ib.cancelOrder(1);
    await ib.code(202);
    desk.fault({ type: 'fill', orderId: 1, price: '2600' });
    await ib.next('orderStatus', isStatus(1, 'Filled'));
    expect(statuses(ib, 1)).toEqual(['Submitted', 'PendingCancel', 'Cancelled', 'Filled']);
  });

  it('order-pacing: the next order requests get error 100 and are lost', async () => {
    const { desk, ib } = await resting({ type: 'order-pacing', requests: 2 });
    desk.rest(ib, 2);
    ib.ib.cancelOrder(1);
    await ib.code(100, 2);
    expect(desk.gateway.broker().orders).toMatchObject([{ orderId: 1, status: 'Submitted' }]);
  });

  it('read-only: orders and cancels get 321', async () => {
    const { desk, ib } = await resting({ type: 'read-only' });
    desk.rest(ib, 2);
    ib.ib.cancelOrder(1);
    await ib.code(321, 2);
    expect(desk.gateway.broker().orders).toMatchObject([{ status: 'Submitted' }]);
  });

  it('order-id-rollback: after a restart the next valid id goes back, and that id is a duplicate', async () => {
    const { desk, ib } = await resting();
    desk.rest(ib, 2);
    desk.rest(ib, 3, { transmit: false });
    await ib.next('orderStatus', isStatus(2, 'Submitted'));
    await caughtUp(ib);
    desk.fault({ type: 'order-id-rollback', by: 2 });
    desk.fault({ type: 'restart', downMs: 0 });
    await ib.next('disconnected');
    (await vi.waitFor(() => RawClient.open(desk.gateway.port), 60_000)).socket.destroy();
    const again = await desk.client();
    await again.next('openOrder');
    expect(again.all('nextValidId')).toEqual([[2]]);
    desk.place(again, 3);
    expect(await again.code(103)).toMatchObject({ id: 3 });
    // Orders live at IB; what was never transmitted went with the gateway.
    again.ib.reqAllOpenOrders();
    await again.next('openOrderEnd');
    expect(new Set(again.all('openOrder').map(([id]) => id))).toEqual(new Set([1, 2]));
  });

  it('between 1100 and 1102 the broker goes on; what happened is told when the link is back', async () => {
    const { desk, ib } = await resting({ type: '1100' });
    desk.fault(fillAll);
    desk.rest(ib, 2);
    expect(await ib.code(201)).toMatchObject({ id: 2 });
    expect(statuses(ib, 1)).toEqual(['Submitted']);
    desk.fault({ type: '1102' });
    await ib.next('commissionReport');
    expect(statuses(ib, 1)).toEqual(['Submitted', 'Filled']);
  });
});

describe('signal', () => {
  it('comes right after the n-th order message was written to a client', async () => {
    const { desk, ib } = await resting();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    closing.push(() => child.kill('SIGKILL'));
    desk.fault({ type: 'signal', pid: child.pid!, signal: 'SIGKILL', afterOrderMessages: 3, clientId: 7 });
    desk.fault({ ...fillAll, quantity: '1' });
    expect(await ended).toEqual([null, 'SIGKILL']);
    await ib.next('commissionReport');
    expect(desk.log.join('\n')).toContain(`SIGKILL to ${child.pid} after 3 messages of the order side`);
  });
});

it('a fault that has nothing to act on says so; prepared faults are in the status until clear', async () => {
  const desk = await OrderGateway.start(closing);
  expect(await desk.post('/fault', { type: 'bust' })).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining('there is no execution yet') },
  });
  expect(await desk.post('/fault', { type: 'fill', orderRef: 'none' })).toMatchObject({ status: 400 });
  desk.fault({ type: 'missing-status', count: 3 });
  expect(desk.gateway.status().orderFaults).toEqual({ 'missing-status': 3 });
  desk.fault({ type: 'clear' });
  expect(desk.gateway.status().orderFaults).toEqual({});
});

/** Questions of margin: bounded in time, one answer each, and nothing of them reaches whoever follows orders. */
import { type Contract, OrderStatus, OrderType } from '@stoqey/ib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BrokerFact } from '../../../lib/domain/orders/broker-facts.ts';
import { marginDenial } from '../../../lib/domain/safety/margin.ts';
import type { EventData } from '../../../lib/events/catalogue.ts';
import { whatIfState } from '../../../streamer/broker-facts.ts';
import type { OrderToWrite } from '../../../streamer/order-writer.ts';
import { WhatIfDesk } from '../../../streamer/what-if-desk.ts';
import { silent } from './order-review-desk.ts';

const clientId = 3;
const question = (orderId: number): OrderToWrite => ({
  orderId,
  contract: {} as Contract,
  order: { orderType: OrderType.MKT, orderRef: 'what-if', whatIf: true, transmit: true },
});
const figures = { initMarginAfter: 54_000, maintMarginAfter: 43_200, equityWithLoanAfter: 1_000_000.5 };
const state = (orderId: number, more: object = figures, of = clientId) =>
  whatIfState(
    orderId,
    { orderType: OrderType.MKT, clientId: of },
    { status: OrderStatus.PreSubmitted, ...more },
  );

function open() {
  const placed: OrderToWrite[] = [];
  const cancelled: number[] = [];
  const alerts: EventData<'alert.raised'>[] = [];
  const link = { isUp: true };
  const desk = new WhatIfDesk({
    clientId,
    place: (order) => {
      if (link.isUp) placed.push(order);
      return link.isUp;
    },
    cancel: (orderId) => {
      cancelled.push(orderId);
      return true;
    },
    raise: (alert) => alerts.push(alert),
    logger: silent,
  });
  return { desk, placed, cancelled, alerts, link };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a question', () => {
  it('is answered by figures of its id, and by no others', async () => {
    const { desk, placed } = open();
    const answer = desk.ask(question(7));
    desk.onAnswer(state(8));
    desk.onAnswer(state(7, figures, 9));
    desk.onAnswer(state(7, { ...figures, initMarginAfter: 1 }));
    desk.onAnswer(state(7));
    await expect(answer).resolves.toMatchObject({
      kind: 'figures',
      initMarginAfter: '1',
      equityWithLoanAfter: '1000000.5',
    });
    expect(placed).toMatchObject([{ orderId: 7, order: { whatIf: true, transmit: true } }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that would be an order is not asked', async () => {
    const { desk, placed } = open();
    const order: OrderToWrite = { ...question(7), order: { orderType: OrderType.MKT, transmit: true } };
    await expect(desk.ask(order)).rejects.toThrow('WHAT_IF_MISSING');
    expect(placed).toEqual([]);
  });

  it('without an answer ends after five seconds, and says so', async () => {
    const { desk } = open();
    const answer = desk.ask(question(7));
    await vi.advanceTimersByTimeAsync(4_999);
    let isOver = false;
    void answer.then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(0);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toEqual({ kind: 'none', why: 'no answer within 5000 ms' });
  });

  it.each([
    ['sentinels', Number.MAX_VALUE],
    ['NaN', Number.NaN],
    ['nothing', undefined],
  ])('answered with %s waits for figures, and denies when none come', async (_name, value) => {
    const { desk } = open();
    const first = desk.ask(question(7));
    desk.onAnswer(state(7, { ...figures, initMarginAfter: value }));
    desk.onAnswer(state(7));
    expect(marginDenial(await first)).toBeUndefined();
    const second = desk.ask(question(8));
    desk.onAnswer(state(8, { ...figures, equityWithLoanAfter: value }));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(marginDenial(await second)).toMatchObject({
      code: 'MARGIN',
      message: expect.stringContaining('equityWithLoanAfter is no figure') as string,
    });
  });

  it('refused by an error ends at once; a remark beside it does not', async () => {
    const { desk } = open();
    const answer = desk.ask(question(7));
    expect(desk.onError(7, 399, 'will not be placed until the exchange opens')).toBe(true);
    expect(desk.onError(7, 10_000, 'a new remark')).toBe(true);
    expect(desk.onError(7, 201, 'YOUR ORDER IS NOT ACCEPTED')).toBe(true);
    expect(await answer).toEqual({ kind: 'refused', code: 201, message: 'YOUR ORDER IS NOT ACCEPTED' });
    const other = desk.ask(question(8));
    desk.onError(8, 321, 'no such field');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await other).toEqual({
      kind: 'none',
      why: 'no answer within 500 ms but 321 no such field',
    });
  });

  it('ends with its link, and is not asked without one', async () => {
    const { desk, link } = open();
    const answer = desk.ask(question(7));
    desk.disconnected();
    expect(await answer).toMatchObject({ kind: 'none', why: expect.stringContaining('link') as string });
    link.isUp = false;
    expect(await desk.ask(question(8))).toMatchObject({
      kind: 'none',
      why: expect.stringContaining('no connection') as string,
    });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('what comes of a question', () => {
  it('late errors stay its own, and its id is never given again; those of orders are not taken', async () => {
    const { desk } = open();
    expect(desk.nextOrderId).toBe(0);
    const answer = desk.ask(question(7));
    await vi.advanceTimersByTimeAsync(5_000);
    await answer;
    expect(desk.onError(7, 201, 'late')).toBe(true);
    expect(desk.onError(8, 201, "an order's")).toBe(false);
    expect(desk.nextOrderId).toBe(8);
  });

  it('is remembered for a thousand more, and not for ever', async () => {
    const { desk, link } = open();
    link.isUp = false;
    for (let orderId = 1; orderId <= 1_001; orderId += 1) await desk.ask(question(orderId));
    expect([desk.onError(1, 399, 'late'), desk.onError(2, 399, 'late')]).toEqual([false, true]);
    expect(desk.nextOrderId).toBe(1_002);
  });

  it('an order is cancelled once, and a person is told; orders of others are left alone', async () => {
    const { desk, cancelled, alerts } = open();
    const answer = desk.ask(question(7));
    const order = { kind: 'open-order', clientId, orderId: 7, orderRef: 'what-if' } as BrokerFact;
    desk.fact({ ...order, clientId: 4 } as BrokerFact);
    desk.fact({ ...order, orderId: 6 } as BrokerFact);
    expect([cancelled, alerts]).toEqual([[], []]);
    desk.fact(order);
    desk.fact(order);
    expect(cancelled).toEqual([7]);
    expect(alerts).toMatchObject([{ alert: 'order_unresolved', severity: 'CRITICAL' }]);
    expect(marginDenial(await answer)).toMatchObject({ code: 'MARGIN' });
  });
});

/** Where in its way out an order asks for its margin, and what may change meanwhile. */
import { afterEach, describe, expect, it } from 'vitest';
import { firstFlags, flagsBody } from '../../../lib/domain/safety/flags.ts';
import type { MarginAnswer } from '../../../lib/domain/safety/margin.ts';
import type { OrderToWrite } from '../../../streamer/order-writer.ts';
import { account, conId, ReviewDesk } from './order-review-desk.ts';

const enough: MarginAnswer = {
  kind: 'figures',
  status: 'PreSubmitted',
  warning: '',
  initMarginAfter: '100',
  maintMarginAfter: '80',
  equityWithLoanAfter: '1000',
};
const poor: MarginAnswer = { ...enough, equityWithLoanAfter: '99' };
const buy = { action: 'BUY', quantity: '5', orderType: 'LMT', limitPrice: '2700' };
const desks: ReviewDesk[] = [];

afterEach(() => {
  for (const { desk } of desks.splice(0)) desk.stop();
});

/** `meanwhile` is called while the broker reckons. */
function open(
  answer: MarginAnswer | (() => MarginAnswer),
  meanwhile: (desk: ReviewDesk) => void = () => undefined,
) {
  const desk = new ReviewDesk({ whatIf: true });
  desks.push(desk);
  const asked: OrderToWrite[] = [];
  desk.askMargin = async (order) => {
    asked.push(order);
    // As the streamer does it: the question has taken its id.
    desk.nextValidId = order.orderId + 1;
    await Promise.resolve();
    meanwhile(desk);
    return typeof answer === 'function' ? answer() : answer;
  };
  return { desk, asked };
}

const flags = (desk: ReviewDesk, more: object) =>
  desk.write(
    { kind: 'flags', id: '' },
    flagsBody(
      { ...firstFlags, DRY_RUN: false, SAFE_MODE: false, ...more },
      'op',
      'test',
      new Date(desk.nowMs).toISOString(),
    ),
  );

describe('an order that opens something', () => {
  it('is asked about alone, transmitted, under no reference and no id of ours, and then leaves', async () => {
    const { desk, asked } = open(enough);
    const legs = [
      { leg: 'stop-loss', action: 'SELL', quantity: '5', orderType: 'STP', stopPrice: '2650' },
      { ...buy, leg: 'entry' },
    ];
    await desk.perform(desk.command('place-bracket', { key: 'pair', conId, legs }));
    expect(asked).toMatchObject([
      {
        order: {
          whatIf: true,
          transmit: true,
          orderRef: 'what-if',
          action: 'BUY',
          totalQuantity: 5,
          lmtPrice: 2700,
        },
      },
    ]);
    expect(asked[0]!.order).not.toHaveProperty('parentId');
    expect(asked[0]!.order).not.toHaveProperty('ocaGroup');
    expect([asked[0]!.orderId, ...desk.placed.map(({ orderId }) => orderId)]).toEqual([1, 2, 3]);
    expect(desk.placed.filter(({ order }) => order.whatIf !== undefined)).toEqual([]);
  });

  it('without the margin is denied with its record; a restart does not give the id of the question again', async () => {
    const { desk } = open(poor);
    await desk.perform(desk.command('place', { key: 'poor', conId, order: buy }));
    expect(desk.placed).toEqual([]);
    expect(desk.intent('poor')).toMatchObject({ state: 'denied', code: 'MARGIN', legs: [] });
    expect(desk.answers).toMatchObject([{ key: 'poor', answer: 'denied', code: 'MARGIN' }]);
    expect(desk.memory.items.get(`${account} desk `)?.body).toMatchObject({ nextOrderId: 2, open: [] });
  });

  it('is asked about once, however often the reservation meets a change', async () => {
    const { desk, asked } = open(enough);
    const commit = desk.memory.commit.bind(desk.memory);
    let conflicts = 0;
    desk.memory.commit = async (change) => {
      conflicts += 1;
      return conflicts <= 3 ? 'conflict' : commit(change);
    };
    await desk.perform(desk.command('place', { key: 'a', conId, order: buy }));
    expect([asked.length, desk.placed.length]).toEqual([1, 1]);
  });

  it('is not asked about where the gate says no, under DRY_RUN, or where nobody wants it', async () => {
    const { desk, asked } = open(enough);
    await desk.perform(
      desk.command('place', { key: 'off', conId, order: { ...buy, limitPrice: '2700.05' } }),
    );
    flags(desk, { DRY_RUN: true });
    await desk.perform(desk.command('place', { key: 'dry', conId, order: buy }));
    expect(desk.answers).toMatchObject([{ code: 'TICK_SIZE' }, { answer: 'would-send' }]);
    expect([asked, desk.placed]).toEqual([[], []]);
    const without = new ReviewDesk();
    desks.push(without);
    await without.perform(without.command('place', { key: 'a', conId, order: buy }));
    expect(without.placed).toHaveLength(1);
  });
});

describe('while the broker reckons', () => {
  it.each([
    ['SAFE_MODE is switched on', 'SAFE_MODE', (desk: ReviewDesk) => flags(desk, { SAFE_MODE: true })],
    ['trading is halted', 'HALTED', (desk: ReviewDesk) => desk.trading('halted')],
    ['its time runs out', 'EXPIRED', (desk: ReviewDesk) => (desk.nowMs += 31_000)],
  ])('%s: nothing leaves', async (_name, code, meanwhile) => {
    const { desk, asked } = open(enough, meanwhile);
    await desk.perform(desk.command('place', { key: 'a', conId, order: buy }));
    expect([asked.length, desk.placed]).toEqual([1, []]);
    expect(desk.intent('a')).toMatchObject({ state: 'denied', code });
    // A restart does not give the id of the question to an order.
    expect(desk.memory.items.get(`${account} desk `)?.body).toMatchObject({ nextOrderId: 2 });
  });

  it('the link is lost: it is asked anew once it is back, and the old word counts for nothing', async () => {
    const answers = [enough, poor];
    const { desk, asked } = open(
      () => answers.shift()!,
      (one) => {
        if (answers.length < 2) return;
        one.isReady = false;
        setTimeout(() => {
          one.isReady = true;
        }, 50);
      },
    );
    const command = desk.command('place', { key: 'a', conId, order: buy });
    await desk.perform(command, AbortSignal.timeout(8_000));
    expect([asked.length, desk.placed]).toEqual([2, []]);
    expect(desk.intent('a')).toMatchObject({ code: 'MARGIN' });
  });

  it('the term ends: the command is left to the next one, without a record', async () => {
    const end = new AbortController();
    const { desk } = open(enough, () => end.abort(new Error('the term is over')));
    const command = desk.command('place', { key: 'a', conId, order: buy });
    await expect(desk.perform(command, end.signal)).rejects.toThrow('the term is over');
    expect([desk.placed, desk.intent('a')]).toEqual([[], undefined]);
  });
});

describe('what reduces', () => {
  it('is not asked about: an order, a flatten', async () => {
    const { desk, asked } = open(poor);
    desk.position = '5';
    await desk.perform(
      desk.command('place', { key: 'a', conId, order: { ...buy, action: 'SELL', quantity: '2' } }),
    );
    desk.showsWritten(desk.placed[0]!);
    desk.onCancel = () => desk.ends(desk.placed[0]!.order.orderRef!);
    await desk.perform(desk.command('flatten', { key: 'b', conId }));
    expect([asked, desk.placed.length]).toEqual([[], 2]);
  });

  it('a change is asked about where it makes the entry larger, under an id that no order has', async () => {
    const { desk, asked } = open(enough);
    await desk.perform(desk.command('place', { key: 'a', conId, order: buy }));
    desk.showsWritten(desk.placed[0]!);
    await desk.desk.settled();
    await desk.perform(desk.command('modify', { key: 'a', leg: 'entry', limitPrice: '2701' }));
    desk.showsWritten(desk.placed[1]!);
    await desk.desk.settled();
    expect(asked).toHaveLength(1);
    await desk.perform(desk.command('modify', { key: 'a', leg: 'entry', quantity: '8' }));
    expect(asked).toHaveLength(2);
    expect(asked[1]).toMatchObject({ order: { totalQuantity: 8, orderRef: 'what-if' } });
    expect(asked[1]!.orderId).toBeGreaterThan(desk.placed[0]!.orderId);
    expect(desk.placed[2]).toMatchObject({ orderId: desk.placed[0]!.orderId, order: { totalQuantity: 8 } });
  });
});

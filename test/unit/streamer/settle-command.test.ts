/** The command with which a person gives an order its end, over the real tracker and a book in memory. */
import { afterEach, describe, expect, it } from 'vitest';
import { viewOf } from '../../../lib/domain/orders/order-state.ts';
import { completed, openOrder } from '../orders/tracker-harness.ts';
import { account, conId, ReviewDesk } from './order-review-desk.ts';

const orderKey = 'P900100';
const desks: ReviewDesk[] = [];

afterEach(() => {
  for (const { desk } of desks.splice(0)) desk.stop();
});

/** The broker's lists have lacked the order in so many whole rounds, and answer again where they are wanted. */
function missing(rounds = 3): ReviewDesk {
  const desk = new ReviewDesk();
  desks.push(desk);
  desk.tracked.connect().answer().fact(openOrder({ account }));
  for (let n = 0; n < rounds; n += 1) desk.tracked.round();
  desk.onDoubt = () => desk.tracked.round();
  bookNow(desk);
  return desk;
}

/** The book-keeper has taken all that was told. */
function bookNow(desk: ReviewDesk): void {
  const state = desk.tracked.book.get(orderKey)!;
  desk.write({ kind: 'order', id: orderKey }, { ...viewOf(state), state });
  desk.tracked.news();
}

const wish = { orderKey, end: 'Cancelled', reason: 'the statement has it' };
const settle = (desk: ReviewDesk, more: object = {}) =>
  desk.perform(desk.command('settle', { ...wish, ...more }));
const last = (desk: ReviewDesk) => desk.answers.at(-1);
const statusOf = (desk: ReviewDesk) => desk.tracked.view(orderKey).status;

describe('settle', () => {
  it('gives the end after a fresh round of lists, says who and why, and sends nothing', async () => {
    const desk = missing();
    await settle(desk);
    expect(desk.tracked.emitted).toMatchObject([
      {
        name: 'order.cancelled',
        data: {
          orderKey,
          settled: { by: 'anna', reason: 'the statement has it', commandId: last(desk)!.commandId },
        },
      },
    ]);
    expect(last(desk)).toMatchObject({ command: 'settle', answer: 'accepted', code: '' });
    expect([desk.placed, desk.cancelled]).toEqual([[], []]);
  });

  it('twice is once: redelivered, said anew before and after the book has it', async () => {
    const desk = missing();
    const command = desk.command('settle', wish);
    await desk.perform(command);
    await desk.perform(command);
    await settle(desk);
    bookNow(desk);
    await desk.perform(command);
    await settle(desk);
    expect(desk.answers.map(({ answer }) => answer)).toEqual(Array(5).fill('accepted'));
    expect(desk.tracked.news()).toEqual([]);
    expect(desk.tracked.view(orderKey).settled).toMatchObject({ commandId: command.id });
  });

  it('is denied with a record, which a redelivery does not change', async () => {
    const desk = missing(2);
    const command = desk.command('settle', wish);
    desk.tracked.round({ 'open-orders': [openOrder({ account })] });
    await desk.perform(command);
    expect(last(desk)).toMatchObject({ answer: 'denied', code: 'ORDER_AT_WORK' });
    expect(desk.intent(`SETTLE-${command.id}`)).toMatchObject({ state: 'denied', command: 'settle' });
    for (let n = 0; n < 4; n += 1) desk.tracked.round();
    await desk.perform(command);
    expect(last(desk)).toMatchObject({ answer: 'denied', code: 'ORDER_AT_WORK' });
    expect(statusOf(desk)).toBe('Submitted');
  });

  /** What is prepared, and what the command says otherwise than usual. */
  const denials: readonly (readonly [code: string, prepare: (desk: ReviewDesk) => void, more: object])[] = [
    ['ORDER_QUIET', () => undefined, {}],
    ['ORDER_UNKNOWN', () => undefined, { orderKey: 'P1' }],
    ['EXPIRED', () => undefined, { validUntil: '2026-01-05T14:00:00.000Z' }],
    ['ORDER_AT_WORK', ({ tracked }) => tracked.round({ 'open-orders': [openOrder({ account })] }), {}],
    // The round that the command waits for is the one that has it.
    [
      'ORDER_AT_WORK',
      (desk) => {
        desk.tracked.round().round();
        desk.onDoubt = () => desk.tracked.round({ 'open-orders': [openOrder({ account })] });
      },
      {},
    ],
    [
      'ORDER_ENDED',
      ({ tracked }) => tracked.round({ 'completed-orders': [completed('Cancelled by Trader', { account })] }),
      {},
    ],
    [
      'ORDER_ENDED',
      (desk) => {
        desk.tracked.round({ 'completed-orders': [completed('Filled Size: 5', { account })] });
        bookNow(desk);
      },
      {},
    ],
    ['NOT_OURS', ({ tracked }) => Object.assign(tracked.state.orders.get(orderKey)!, { account: 'DU2' }), {}],
    [
      'LISTS_INCOMPLETE',
      (desk) => {
        desk.tracked.round().round();
        desk.isReady = false;
      },
      {},
    ],
  ];

  it.each(denials)('%s', async (code, prepare, more) => {
    const desk = missing(1);
    prepare(desk);
    const now = statusOf(desk);
    await settle(desk, more);
    expect(last(desk)).toMatchObject({ answer: 'denied', code });
    expect(last(desk)!.message).toMatch(/Nothing was changed\.$/);
    expect(last(desk)!.allowed).not.toBe('');
    expect(statusOf(desk)).toBe(now);
  });

  it('is denied where fresh lists do not come to their end', async () => {
    const desk = missing();
    let looks = 0;
    desk.onDoubt = () => {
      looks += 1;
      desk.tracked.round({}, { executions: 'partial' });
    };
    await settle(desk);
    expect([looks, last(desk)]).toMatchObject([1, { answer: 'denied', code: 'LISTS_INCOMPLETE' }]);
    expect(statusOf(desk)).toBe('Submitted');
  });

  it('is denied while something of the contract has left and the broker was not heard', async () => {
    const desk = missing();
    const order = { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: '2700' };
    await desk.perform(desk.command('place', { key: 'now', conId, order }));
    const state = desk.tracked.book.get(orderKey)!;
    const contract = { ...viewOf(state).contract, conId };
    desk.write({ kind: 'order', id: orderKey }, { ...viewOf(state), contract, state });
    await settle(desk);
    expect(last(desk)).toMatchObject({ command: 'settle', answer: 'denied', code: 'ORDER_AT_WORK' });
  });

  it.each([
    ['accepted', '', settle],
    [
      'denied',
      'ORDER_ENDED',
      (desk: ReviewDesk) =>
        desk.tracked.round({ 'completed-orders': [completed('Cancelled by Trader', { account })] }),
    ],
  ] as const)(
    'tells an end that the streamer remembers once more to a book restored from before it: %s',
    async (answer, code, ends) => {
      const desk = missing();
      await ends(desk);
      // On its way to the book, for all that is known.
      desk.tracked.news();
      await settle(desk);
      expect(desk.tracked.news()).toEqual([]);
      desk.tracked.round().round().news();
      await settle(desk);
      expect(desk.tracked.emitted).toMatchObject([{ name: 'order.cancelled', data: { orderKey } }]);
      expect(last(desk)).toMatchObject({ answer, code });
      // The book has it: nothing is told any more.
      bookNow(desk);
      await settle(desk);
      expect(desk.tracked.news()).toEqual([]);
    },
  );

  it('frees no key: the same order is not sent again', async () => {
    const desk = missing();
    const order = { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: '2700' };
    await desk.perform(desk.command('place', { key: 'once', conId, order }));
    desk.linkLost(3);
    await desk.desk.settled();
    await settle(desk);
    expect(last(desk)).toMatchObject({ command: 'settle', answer: 'accepted' });
    await desk.perform(desk.command('place', { key: 'once', conId, order }));
    expect(last(desk)).toMatchObject({ command: 'place', answer: 'denied', code: 'DUPLICATE' });
    expect(desk.placed).toHaveLength(1);
  });

  it('is a person’s alone', () => {
    const desk = missing();
    expect(() => desk.command('settle', { ...wish, by: 'program' })).toThrow(/person/);
    expect(() => desk.command('settle', { ...wish, reason: ' ' })).toThrow(/reason/);
  });
});

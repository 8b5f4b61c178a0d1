/** Ends that a person gives: when they may be given, what they change, and what IB's later word makes of them. */
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../lib/domain/orders/order-state.ts';
import type { Stamp } from '../../../lib/domain/orders/stamp.ts';
import { judgeEnd } from '../../../lib/domain/orders/tracker-ends.ts';
import type { GivenEnd } from '../../../lib/domain/orders/tracker-types.ts';
import { fold } from './order-harness.ts';
import { completed, execution, openOrder, orderStatus, TrackedDesk } from './tracker-harness.ts';

const key = 'P900100';
const settled = { by: 'anna', reason: 'the statement has it', commandId: 'c1' };

/** What the streamer would hand over: the order as the book has it. */
function endOf(desk: TrackedDesk, more: Partial<GivenEnd> = {}): GivenEnd {
  const { report, state } = desk.state.orders.get(key)!;
  return { status: 'Cancelled', settled, known: report!, state: state!, afterRound: 0, ...more };
}

const verdict = (desk: TrackedDesk, end = endOf(desk)) => judgeEnd(desk.state, end);
const give = (desk: TrackedDesk, more: Partial<GivenEnd> = {}) =>
  desk.input({ kind: 'settle', end: endOf(desk, more) });

/** Missing in as many whole rounds, and nothing of it is news any more. */
function missing(rounds: number, desk = new TrackedDesk().connect().answer().fact(openOrder())): TrackedDesk {
  for (let n = 0; n < rounds; n += 1) desk.round();
  desk.news();
  return desk;
}

describe('an end that a person gives', () => {
  it('is told once, as what it is, and kept over a restart; the same again changes nothing', () => {
    const desk = missing(3);
    expect(verdict(desk)).toEqual({ is: 'given' });
    give(desk);
    expect(desk.emitted).toMatchObject([
      {
        name: 'order.cancelled',
        data: {
          status: 'Cancelled',
          brokerStatus: '',
          settled,
          reason: { code: 0, message: 'anna said so: the statement has it' },
        },
      },
    ]);
    expect(desk.view()).toMatchObject({ status: 'Cancelled', working: false, filled: '0', settled });
    desk.news();
    expect(verdict(desk)).toMatchObject({ is: 'same' });
    const again = give(desk).restarted().connect().answer();
    expect(verdict(again)).toMatchObject({ is: 'same' });
    for (let n = 0; n < 5; n += 1) give(again.round());
    expect([...desk.news(), ...again.news()]).toEqual([]);
  });

  it('leaves what the book has of fills, and takes fills that come late', () => {
    const desk = new TrackedDesk().connect().answer().fact(openOrder(), execution('e1.01', '2'));
    give(missing(3, desk));
    expect(desk.view()).toMatchObject({ status: 'Cancelled', endedInPart: true, filled: '2', missing: '0' });
    desk.fact(execution('e2.01', '1', { cumulativeQuantity: '3' }));
    expect(desk.view()).toMatchObject({ status: 'Cancelled', filled: '3', settled });
    desk.fact(execution('e3.01', '2', { cumulativeQuantity: '5' }));
    expect(desk.view()).toMatchObject({ status: 'Filled', filled: '5', reason: null });
    expect(desk.view()).not.toHaveProperty('settled');
  });

  it('as filled says the whole quantity, and what no execution tells is missing', () => {
    const desk = new TrackedDesk().connect().answer().fact(openOrder(), execution('e1.01', '2'));
    give(missing(3, desk), { status: 'Filled' });
    expect(desk.news()).toEqual(['order.filled']);
    expect(desk.view()).toMatchObject({ status: 'Filled', filled: '2', missing: '3', settled });
  });

  it('is corrected by whoever was wrong', () => {
    const desk = give(missing(3)).restarted().connect().answer().round().round().round();
    const end = { status: 'Filled', settled: { ...settled, commandId: 'c2' } } as const;
    expect(verdict(desk, endOf(desk, end))).toEqual({ is: 'given' });
    give(desk, end);
    expect(desk.view()).toMatchObject({ status: 'Filled', settled: { commandId: 'c2' } });
  });

  it('is given where a run that lost its memory heard of a fill alone, and no list has the order', () => {
    const before = new TrackedDesk().connect().answer().fact(openOrder());
    const end = endOf(before);
    // The next process, on an empty disk: the executions of the day tell of a part.
    const executions = [execution('e1.01', '2')];
    const desk = new TrackedDesk().connect().answer({ executions });
    for (let n = 0; n < 3; n += 1) desk.round({ executions });
    expect(verdict(desk, end)).toEqual({ is: 'given' });
    desk.input({ kind: 'settle', end });
    expect(desk.view()).toMatchObject({ status: 'Cancelled', filled: '2', endedInPart: true, settled });
    desk.news();
    for (let n = 0; n < 5; n += 1) desk.round({ executions });
    expect(desk.alerts()).toEqual([]);
    expect(desk.view()).toMatchObject({ status: 'Cancelled', filled: '2', settled });
  });

  it('is not forgotten with the orders that IB has ended', () => {
    const desk = give(missing(3));
    desk.nowMs += 30 * 86_400_000;
    expect(desk.round().state.orders.has(key)).toBe(true);
  });
});

describe('an end is refused', () => {
  it('before the order was missing in three whole rounds of this link', () => {
    const desk = missing(2);
    expect(verdict(desk)).toEqual({ is: 'quiet', rounds: 2, needed: 3 });
    expect(verdict(desk.round({}, { executions: 'partial' }))).toMatchObject({ is: 'quiet', rounds: 2 });
    give(desk);
    expect(desk.view().status).toBe('Submitted');
    expect(verdict(desk.round())).toEqual({ is: 'given' });
    // The gateway may begin with lists that are empty.
    desk.input({ kind: 'disconnected' });
    expect(verdict(desk)).toEqual({ is: 'unsure' });
    expect(verdict(desk.connect())).toEqual({ is: 'unsure' });
    expect(verdict(desk.answer())).toMatchObject({ is: 'quiet', rounds: 1 });
    expect(verdict(desk.input({ kind: 'restored' }))).toEqual({ is: 'unsure' });
  });

  it('in rounds that follow each other within seconds, because something is in doubt', () => {
    const quick = (desk: TrackedDesk) => desk.input({ kind: 'doubt' }).round();
    const desk = quick(quick(quick(missing(0))));
    expect(verdict(desk)).toEqual({ is: 'quiet', rounds: 3, needed: 3 });
    expect(verdict(desk.round())).toEqual({ is: 'given' });
  });

  it('where no round began after the question', () => {
    const desk = missing(3);
    const end = endOf(desk, { afterRound: desk.state.roundId });
    expect(verdict(desk, end)).toEqual({ is: 'unsure' });
    expect(verdict(desk.round(), end)).toEqual({ is: 'given' });
  });

  it('while a list has it, be the list under way', () => {
    const desk = missing(4).round({ 'open-orders': [openOrder()] });
    expect(verdict(desk)).toMatchObject({ is: 'listed' });
    missing(3, desk);
    expect(verdict(desk)).toEqual({ is: 'given' });
    desk.nowMs += 60_000;
    desk.input({ kind: 'tick' }).fact(openOrder());
    expect(verdict(desk)).toMatchObject({ is: 'listed' });
  });

  it.each([orderStatus('Submitted'), execution('e1.01', '1')])(
    'where IB has spoken of it outside its lists: $kind',
    (fact) => {
      const desk = missing(5).fact(fact);
      expect(verdict(desk)).toMatchObject({ is: 'listed' });
      expect(verdict(missing(2, desk))).toMatchObject({ is: 'quiet', rounds: 2 });
      expect(verdict(desk.round())).toEqual({ is: 'given' });
    },
  );

  it('where IB has ended it, and for the order of another account', () => {
    const ended = missing(3).round({ 'completed-orders': [completed('Cancelled by Trader')] });
    expect(verdict(ended)).toMatchObject({ is: 'ended', report: { status: 'Cancelled' } });
    const theirs = missing(
      3,
      new TrackedDesk()
        .connect()
        .answer()
        .fact(openOrder({ account: 'DU2' })),
    );
    expect(verdict(theirs)).toEqual({ is: 'foreign', account: 'DU2' });
  });
});

describe('a run that has lost its memory', () => {
  const lost = () => {
    const desk = missing(3, new TrackedDesk().connect().answer().fact(openOrder(), execution('e1.01', '2')));
    const end = endOf(desk);
    const fresh = desk.restarted();
    fresh.memory.clear();
    const blank = new TrackedDesk({}, fresh);
    return { end, desk: blank.connect().answer() };
  };

  it('ends what only the book knows, after three whole rounds, with its fills', () => {
    const { end, desk } = lost();
    expect(verdict(desk, end)).toEqual({ is: 'quiet', rounds: 1, needed: 3 });
    desk.round().round().news();
    desk.input({ kind: 'settle', end });
    expect(desk.news()).toEqual(['order.cancelled']);
    expect(desk.view()).toMatchObject({ status: 'Cancelled', filled: '2', settled });
    expect(verdict(desk.restarted(), end)).toMatchObject({ is: 'same' });
  });
});

describe("IB's word after it", () => {
  const tellStatus = (desk: TrackedDesk) => desk.fact(orderStatus('PreSubmitted'));
  it.each([
    ['a list', (desk: TrackedDesk) => desk.round({ 'open-orders': [openOrder()] })],
    ['a status', tellStatus],
    [
      'a list after a restart',
      (desk: TrackedDesk) =>
        desk
          .restarted()
          .connect()
          .answer({ 'open-orders': [openOrder()] }),
    ],
  ])('that it works opens it again, with an alert, once: %s', (_, tell) => {
    const before = give(missing(3));
    before.news();
    const desk = tell(before);
    const alerts = desk.emitted.filter(({ name }) => name === 'alert.raised');
    expect(alerts).toMatchObject([
      {
        data: {
          alert: 'settled_order_working',
          severity: 'CRITICAL',
          subject: `order ${key}`,
          message: expect.stringContaining('anna had given its end (the statement has it)') as string,
        },
      },
    ]);
    expect(desk.view().working).toBe(true);
    expect(desk.view()).not.toHaveProperty('settled');
    expect(desk.view().reason).toBeNull();
    const order = desk.state.orders.get(key)!;
    expect(order).toMatchObject({ endedAtMs: 0, unresolvedTold: false });
    // What no list has is not changed: it could be placed anew under its id.
    expect(order.missingRounds > 0).toBe(tell === tellStatus);
    desk.news();
    desk.round({ 'open-orders': [openOrder()] }).round({ 'open-orders': [openOrder()] });
    expect(desk.alerts()).toEqual([]);
    // Once more gone, and once more settled.
    give(missing(3, desk));
    expect(desk.view()).toMatchObject({ status: 'Cancelled', settled });
  });

  it.each([
    ['Cancelled by System: Order expired', 'Expired'],
    ['Filled Size: 5', 'Filled'],
    ['Cancelled by Trader', 'Cancelled'],
  ])('of how it ended counts more: %s', (word, status) => {
    for (const end of ['Cancelled', 'Filled'] as const) {
      const desk = give(missing(3), { status: end }).round({ 'completed-orders': [completed(word)] });
      expect(desk.view()).toMatchObject({ status });
      expect(desk.view()).not.toHaveProperty('settled');
      // That end is IB's: no word takes it back.
      expect(desk.fact(openOrder()).view().status).toBe(status);
    }
  });
});

it('the order of arrival in the book changes nothing', () => {
  const desk = missing(3);
  const [live] = [desk.state.orders.get(key)!.report!];
  give(desk);
  const ended = desk.state.orders.get(key)!.report!;
  desk.fact(openOrder());
  const back = desk.state.orders.get(key)!.report!;
  const events = [
    { report: live, at: { epoch: 1, seq: 1 } },
    { report: ended, at: { epoch: 1, seq: 2 } },
    { report: back, at: { epoch: 1, seq: 3 } },
  ];
  const statusAfter = (order: readonly number[]) => {
    let state: ReturnType<typeof fold>['state'] | undefined;
    for (const index of order) {
      const { report, at }: { report: typeof live; at: Stamp } = events[index]!;
      state = fold(state, { kind: 'report', report }, at).state;
    }
    return viewOf(state!).status;
  };
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 0, 2],
    [2, 0, 1, 1],
    [1, 2, 0],
  ])
    expect(statusAfter(order)).toBe('Submitted');
  for (const order of [
    [0, 1],
    [1, 0],
    [0, 1, 0, 1],
  ])
    expect(statusAfter(order)).toBe('Cancelled');
});

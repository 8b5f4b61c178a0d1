/** The rules of docs/orders.md that have no scenario of their own. */
import { describe, expect, it } from 'vitest';
import { foldFill, foldReport, type OrderState, viewOf } from '../../../lib/domain/orders/order-state.ts';
import {
  calendarSpread,
  canonical,
  es,
  esJune,
  fillOf,
  foldAll,
  openMs,
  type ReportWords,
  reportOf,
  ToldOrder,
} from './order-harness.ts';

/** Folds reports under the given counts, in the order in which they are given. */
function at(...told: readonly (readonly [seq: number, words: ReportWords])[]): OrderState {
  return foldAll(
    told.map(([seq, words]) => ({ kind: 'report', report: reportOf(words), at: { epoch: 1, seq } })),
  );
}

describe('state and terms', () => {
  it('the later stamp wins, and a later epoch is later than any count', () => {
    const early = foldReport(undefined, reportOf({ status: 'Submitted' }), { epoch: 2, seq: 1 }).state;
    const stale = foldReport(early, reportOf({ status: 'PendingCancel' }), { epoch: 1, seq: 99 });
    expect(viewOf(stale.state).status).toBe('Submitted');
    expect(stale.changed).toBe(false);
  });

  it('a repeat of what is known is no news, though its stamp has to be stored', () => {
    const order = new ToldOrder().report().report();
    expect(order.last).toMatchObject({ changed: true, news: false });
    // since an older report that comes late must not undo it
    expect(order.state?.live?.at.seq).toBe(2);
  });

  it('PartiallyFilled follows from fills and is taken back with them', () => {
    const order = new ToldOrder().report().fill('a.01', '2', '5000').report({ status: 'PartiallyFilled' });
    expect(order.view.status).toBe('PartiallyFilled');
    order.fill('a.02', '0', '5000');
    expect(order.view.status).toBe('Submitted');
  });

  it('Filled that follows from fills is taken back with them, Filled by word of IB is not', () => {
    const derived = new ToldOrder().report().fill('a.01', '5', '5000');
    derived.report({ status: 'Filled', brokerStatus: '' });
    expect(derived.view.status).toBe('Filled');
    expect(derived.fill('a.02', '3', '5000').view.status).toBe('PartiallyFilled');
    const word = new ToldOrder().report().fill('a.01', '5', '5000').report({ status: 'Filled' });
    expect(word.fill('a.02', '3', '5000').view).toMatchObject({ status: 'Filled', filled: '3' });
  });

  it('a quantity that IB reports as filled is filled, whatever the last word was', () => {
    const order = new ToldOrder().report({ reportedFilled: '5' });
    expect(order.view).toMatchObject({ status: 'Filled', filled: '0', missing: '5' });
  });

  it('the quantity of a completed order, which IB gives as 0, does not undo the one that was asked for', () => {
    const order = new ToldOrder().report({ quantity: '5' });
    order.report({ quantity: '0', status: 'Cancelled' }).fill('a.01', '2', '5000');
    expect(order.view).toMatchObject({ terms: { quantity: '5' }, remaining: '3', quarantined: [] });
  });

  it('the end of an order is kept with its first stamp and its best reason', () => {
    const reason = { code: 202, message: 'Order Canceled - reason:' };
    const state = at(
      [3, { status: 'Cancelled', reason }],
      [1, { status: 'Cancelled' }],
      [2, { status: 'Cancelled', reason }],
    );
    expect(state.ended).toEqual({
      at: { epoch: 1, seq: 2 },
      status: 'Cancelled',
      brokerStatus: 'Cancelled',
      reason,
    });
  });

  it('an average price that is told once is not lost to a repeat without one', () => {
    const state = at(
      [1, { reportedFilled: '2', reportedAveragePrice: '5000' }],
      [2, { reportedFilled: '2' }],
    );
    expect(viewOf(state).reportedAveragePrice).toBe('5000');
  });

  it('a refused order that IB calls Cancelled as well is Rejected', () => {
    const state = at([1, { status: 'Rejected' }], [2, { status: 'Cancelled' }], [3, { status: 'Submitted' }]);
    expect(viewOf(state).status).toBe('Rejected');
  });
});

describe('names', () => {
  it('what is known beats what is not, and of two the larger stays', () => {
    const order = new ToldOrder().report({ permId: 0, orderId: -3, clientId: 0, origin: 'manual' });
    order.report({ permId: 900100, orderId: 0, clientId: 0, origin: 'manual', orderRef: 'ref-1' });
    expect(order.view).toMatchObject({ permId: 900100, orderId: -3, orderRef: 'ref-1', origin: 'manual' });
    order.report({ orderId: 14, clientId: 0, orderRef: '' }).report({ orderId: 13, clientId: 7 });
    expect(order.view).toMatchObject({ orderId: 14, clientId: 0, orderRef: 'ref-1', origin: 'api' });
  });

  it('the key is the one that it was first found under', () => {
    const order = new ToldOrder().report().report({ orderKey: 'another' });
    expect(order.view.orderKey).toBe('P900100');
  });
});

describe('executions', () => {
  const synthetic = { synthetic: true, cumulativeQuantity: '4' };

  it('a real execution replaces a synthetic one of the same id, in either order', () => {
    const first = new ToldOrder().fill('x', '4', '5000', synthetic).fill('x', '3', '4990');
    const second = new ToldOrder().fill('x', '3', '4990').fill('x', '4', '5000', synthetic);
    for (const order of [first, second]) {
      expect(order.view).toMatchObject({ filled: '3', synthetic: '0', averagePrice: '4990', noisy: [] });
    }
  });

  it('a synthetic fill never drives a real one into quarantine', () => {
    const order = new ToldOrder().report({ quantity: '5' });
    order.fill('s', '5', '5000', { synthetic: true, cumulativeQuantity: '9', timeMs: openMs - 1 });
    order.fill('a.01', '4', '4990');
    expect(order.view).toMatchObject({ filled: '4', quarantined: ['s'] });
  });

  it('a correction keeps the place of its original among the executions', () => {
    const order = new ToldOrder().report({ quantity: '5' });
    order.fill('a.01', '3', '5000').fill('b.01', '3', '5001', { timeMs: openMs + 1 });
    order.fill('a.02', '3', '5002', { timeMs: openMs + 60_000 });
    expect(order.view).toMatchObject({ averagePrice: '5002', quarantined: ['b.01'] });
  });

  it('a bust is explained: IB still reports it as filled, and nothing is missing', () => {
    const order = new ToldOrder().fill('a.01', '2', '5000').report({ reportedFilled: '2' });
    expect(order.fill('a.02', '0', '5000').view).toMatchObject({ filled: '0', missing: '0' });
  });

  it('what only a synthetic fill explains is not missing, what it repeats is not counted', () => {
    const order = new ToldOrder().report({ reportedFilled: '5' });
    order.fill('s', '4', '5000', synthetic).fill('a.01', '3', '5000');
    expect(order.view).toMatchObject({ filled: '4', synthetic: '1', missing: '1' });
  });

  it('executions in several contracts are the legs of a combination that nobody described yet', () => {
    const order = new ToldOrder().fill('b.01', '2', '5000').fill('c.01', '2', '5010', { contract: esJune });
    expect(order.view).toMatchObject({ filled: '0', status: 'Unknown', averagePrice: null });
  });

  it('a combination without a report is named by its own row', () => {
    const bag = { ...calendarSpread, conId: 28812380 };
    const leg = { ...es, conId: 5 };
    const order = new ToldOrder().fill('b.01', '2', '5000', { contract: leg });
    order.fill('a.01', '2', '-12.25', { contract: bag });
    expect(order.view).toMatchObject({ contract: bag, filled: '2', averagePrice: '-12.25' });
  });

  it('a late original that another correction stands for already is no second correction', () => {
    const order = new ToldOrder().report().fill('a.03', '2', '5003').fill('a.02', '2', '5002');
    order.fill('a.01', '2', '5001');
    expect(order.alertNames).toEqual(['INFO fill_corrected a.03']);
  });

  it('noise is told once, also when the first telling is delivered later still', () => {
    const order = new ToldOrder().fill('a.01', '1', '3').fill('a.01', '1', '4');
    const { state, alerts } = foldFill(order.state!, fillOf('a.01', '1', '2'), { epoch: 0, seq: 1 });
    expect(viewOf(state)).toMatchObject({ averagePrice: '2', noisy: ['a.01'] });
    expect(alerts).toEqual([]);
  });

  it('the later word on a commission stands', () => {
    const order = new ToldOrder().fill('a.01', '1', '3').cost('a.01', '2').cost('a.01', '2.5');
    expect(order.view.commissions).toEqual({ USD: '2.5' });
  });

  it('small and large numbers are told without exponent', () => {
    const order = new ToldOrder().report({ quantity: '3000000000000000000000000' });
    order.fill('a.01', '0.00000001', '0.0000003');
    expect(order.view).toMatchObject({
      filled: '0.00000001',
      remaining: '2999999999999999999999999.99999999',
      averagePrice: '0.0000003',
    });
  });
});

describe('the recorded way of a paper order', () => {
  it('PreSubmitted, execution, Filled twice, commission: one order, one fill, one commission', () => {
    const order = new ToldOrder().report({ status: 'PreSubmitted', quantity: '2' });
    order.fill('0000e0d5.67fe667b.01.01', '2', '187.5');
    const filled = {
      status: 'Filled',
      quantity: '2',
      reportedFilled: '2',
      reportedAveragePrice: '187.5',
    } as const;
    order.report(filled);
    const before = canonical(order.view);
    order.report(filled);
    expect(order.last?.news).toBe(false);
    expect(canonical(order.view)).toBe(before);
    order.cost('0000e0d5.67fe667b.01.01', '1');
    expect(order.view).toMatchObject({
      status: 'Filled',
      filled: '2',
      remaining: '0',
      missing: '0',
      commissions: { USD: '1' },
      withoutCommission: [],
    });
    expect([order.state!.fills, order.state!.commissions].map((part) => Object.keys(part).length)).toEqual([
      1, 1,
    ]);
    expect(order.alerts).toEqual([]);
  });
});

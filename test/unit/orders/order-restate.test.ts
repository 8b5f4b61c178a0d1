import { describe, expect, it } from 'vitest';
import { restateCommission, restateReport } from '../../../lib/domain/orders/order-restate.ts';
import { foldReport, viewOf } from '../../../lib/domain/orders/order-state.ts';
import { reportOf, ToldOrder } from './order-harness.ts';

const fresh = { epoch: 9, seq: 0 };
const told = () => new ToldOrder().report({ status: 'Submitted' }).report({ status: 'PreSubmitted' }).state!;

describe('an order restated by somebody else than the streamer', () => {
  it('has the new content under the old stamps', () => {
    const before = told();
    const state = restateReport(
      before,
      reportOf({ status: 'Submitted', terms: { limitPrice: '4990' } }),
      fresh,
    );
    expect(state.live).toMatchObject({ at: { epoch: 1, seq: 2 }, status: 'Submitted' });
    expect(state.asked).toMatchObject({ at: before.asked!.at, terms: { limitPrice: '4990' } });
    expect(state.quantity).toBe(before.quantity);
  });

  it('is not undone by a word that is older, and is by the next one', () => {
    const state = restateReport(told(), reportOf({ terms: { limitPrice: '4990' } }), fresh);
    const at = (seq: number) =>
      foldReport(state, reportOf({ terms: { limitPrice: '1' } }), { epoch: 1, seq }).state;
    expect(viewOf(at(2)).terms!.limitPrice).toBe('4990');
    expect(viewOf(at(3)).terms!.limitPrice).toBe('1');
  });

  it('says what nobody had said under the stamp that is given', () => {
    const cancelled = restateReport(told(), reportOf({ status: 'Cancelled' }), fresh);
    expect(cancelled.ended).toMatchObject({ at: fresh, status: 'Cancelled' });
    expect(cancelled.live).toMatchObject({ status: 'PreSubmitted' });
    expect(restateReport(undefined, reportOf({}), fresh).live!.at).toEqual(fresh);
  });

  it('keeps an end, the terms that were told with it, and the larger fill', () => {
    const ended = new ToldOrder().report({ status: 'Cancelled', reportedFilled: '3' }).state!;
    const state = restateReport(ended, reportOf({ reportedFilled: '1', quantity: '9' }), fresh);
    expect(state.ended).toBe(ended.ended);
    expect(state.quantity).toMatchObject({ quantity: '5', final: true });
    expect(state.asked!.final).toBe(true);
    expect(state.reported).toMatchObject({ filled: '3' });
    expect(restateReport(ended, reportOf({ status: 'Filled' }), fresh).ended!.status).toBe('Filled');
  });

  it('costs what is said, under the stamp of the earlier statement', () => {
    const order = new ToldOrder().fill('a.01', '2', '5000').cost('a.01', '4').state!;
    const cost = { commission: '4.5', currency: 'USD', realizedPnl: null };
    expect(restateCommission(order, 'a#0001', cost, fresh).commissions['a#0001']).toEqual({
      ...cost,
      at: { epoch: 1, seq: 2 },
    });
    expect(restateCommission(order, 'b#0001', cost, fresh).commissions['b#0001']!.at).toEqual(fresh);
  });
});

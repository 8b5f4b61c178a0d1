/** C2 of the scenario suite: how executions become what an order has filled. The rules are in docs/orders.md. */
import { describe, expect, it } from 'vitest';
import { commissionReport } from '../../lib/domain/orders/commission-ledger.ts';
import { netPositions } from '../../lib/domain/orders/net-positions.ts';
import { foldFill, viewOf } from '../../lib/domain/orders/order-state.ts';
import { syntheticExecId } from '../../lib/domain/orders/synthetic-fill.ts';
import { calendarSpread, es, esJune, fillOf, openMs, spy, ToldOrder } from '../unit/orders/order-harness.ts';

const second = 1_000;
const position = (order: ToldOrder, account = 'DU1') =>
  netPositions([{ account, state: order.state! }]).map(({ conId, position }) => `${conId}: ${position}`);

describe('S031 to S033 fills that were missed', () => {
  it('S031 missed single fill: the view says how much is missing until the execution comes', () => {
    // given IB says Filled, and no execution was told
    const order = new ToldOrder().report();
    order.report({ status: 'Filled', reportedFilled: '5', reportedAveragePrice: '5000' });
    expect(order.view).toMatchObject({ status: 'Filled', filled: '0', reportedFilled: '5', missing: '5' });
    // when the execution is told afterwards
    order.fill('a.01', '5', '5000');
    // then nothing is missing
    expect(order.view).toMatchObject({ status: 'Filled', filled: '5', averagePrice: '5000', missing: '0' });
  });

  it('S032 several missed partials: each one shortens what is missing, in any order', () => {
    const order = new ToldOrder().report({ status: 'PartiallyFilled', reportedFilled: '4' });
    order.fill('c.01', '1', '5002', { timeMs: openMs + 3 * second });
    expect(order.view).toMatchObject({
      status: 'PartiallyFilled',
      filled: '1',
      remaining: '4',
      missing: '3',
    });
    order.fill('a.01', '1', '5000').fill('b.01', '2', '5001', { timeMs: openMs + second });
    expect(order.view).toMatchObject({ filled: '4', remaining: '1', averagePrice: '5001', missing: '0' });
  });

  it('S033 fill whose order is unknown: the execution alone makes an order', () => {
    const order = new ToldOrder().fill('a.01', '2', '5000');
    // its contract and ids are known, its quantity and state are not
    expect(order.view).toMatchObject({
      orderKey: 'P900100',
      permId: 900100,
      status: 'Unknown',
      contract: es,
      terms: null,
      filled: '2',
      remaining: null,
    });
    expect(position(order)).toEqual(['495512563: 2']);
  });
});

describe('S034 and S035 repeats', () => {
  it('S034 duplicate execution report (same execId): once', () => {
    const order = new ToldOrder().report().fill('a.01', '2', '5000');
    const state = order.state;
    order.fill('a.01', '2', '5000');
    expect(order.last).toMatchObject({ changed: false, news: false, alerts: [] });
    expect(order.state).toBe(state);
    expect(order.view.filled).toBe('2');
  });

  it('S035 same execId different price ("noisy"): first kept, warning, alert', () => {
    const order = new ToldOrder().report().fill('a.01', '2', '5000').fill('a.01', '2', '5100');
    expect(order.view).toMatchObject({ filled: '2', averagePrice: '5000', noisy: ['a.01'] });
    expect(order.alertNames).toEqual(['MEDIUM execution_noisy a.01']);
    // and no second alert, however often IB repeats it
    order.fill('a.01', '2', '5100').fill('a.01', '2', '5200');
    expect(order.alerts).toHaveLength(1);
  });

  it('S035 what was told first is kept, also when it is delivered last', () => {
    const later = foldFill(undefined, fillOf('a.01', '2', '5100'), { epoch: 2, seq: 1 });
    const both = foldFill(later.state, fillOf('a.01', '2', '5000'), { epoch: 1, seq: 9 });
    expect(viewOf(both.state)).toMatchObject({ averagePrice: '5000', noisy: ['a.01'] });
    expect(both.alerts.map(({ alert }) => alert)).toEqual(['execution_noisy']);
  });
});

describe('S036 to S038 corrections', () => {
  it('S036 execId .01 to .02: reversal and replacement', () => {
    // given an execution with its profit
    const order = new ToldOrder().report({ quantity: '2' }).fill('a.01', '2', '5000');
    order.cost('a.01', '4.5', { realizedPnl: '100' });
    expect(order.view).toMatchObject({ status: 'Filled', averagePrice: '5000', realizedPnl: { USD: '100' } });
    // when IB corrects the price
    order.fill('a.02', '2', '4999').cost('a.02', '4.5', { realizedPnl: '200' });
    // then quantity and state stay, price and profit are those of the correction, cost is not charged twice
    expect(order.view).toMatchObject({
      status: 'Filled',
      filled: '2',
      averagePrice: '4999',
      corrected: ['a.02'],
      commissions: { USD: '4.5' },
      realizedPnl: { USD: '200' },
    });
    expect(position(order)).toEqual(['495512563: 2']);
    expect(order.alertNames).toEqual(['INFO fill_corrected a.02']);
    // and both revisions stay on record
    expect(Object.keys(order.state!.fills)).toEqual(['a#0001', 'a#0002']);
  });

  it('S036 a correction whose cost is not told yet keeps the cost of the execution', () => {
    const order = new ToldOrder().report().fill('a.01', '2', '5000').cost('a.01', '4.5');
    order.fill('a.02', '2', '4999');
    expect(order.view).toMatchObject({ commissions: { USD: '4.5' }, withoutCommission: [] });
  });

  it('S037 .02 correction of the quantity', () => {
    const order = new ToldOrder().report().fill('a.01', '5', '5000');
    expect(order.view.status).toBe('Filled');
    order.fill('a.02', '3', '5000');
    expect(order.view).toMatchObject({ status: 'PartiallyFilled', filled: '3', remaining: '2' });
    expect(position(order)).toEqual(['495512563: 3']);
  });

  it('S037 .03 after .02', () => {
    const order = new ToldOrder().report().fill('a.01', '5', '5000').fill('a.02', '5', '4999');
    order.fill('a.03', '4', '4998');
    expect(order.view).toMatchObject({ filled: '4', averagePrice: '4998', corrected: ['a.03'] });
    expect(order.alertNames).toEqual(['INFO fill_corrected a.02', 'INFO fill_corrected a.03']);
  });

  it('S037 correction arriving before original', () => {
    const order = new ToldOrder().report().fill('a.02', '4', '4999').fill('a.01', '5', '5000');
    expect(order.view).toMatchObject({ filled: '4', averagePrice: '4999', corrected: ['a.02'] });
    expect(order.alertNames).toEqual(['INFO fill_corrected a.02']);
  });

  it('S037 correction after day end: an order that ended long ago is corrected all the same', () => {
    const order = new ToldOrder().report({ quantity: '2' }).fill('a.01', '2', '5000');
    order.report({ quantity: '2', status: 'Filled', reportedFilled: '2' });
    order.fill('a.02', '2', '4990', { timeMs: openMs + 20 * 3_600 * second });
    expect(order.view).toMatchObject({ status: 'Filled', filled: '2', averagePrice: '4990' });
  });

  it('S038 bust (correction to zero): position reduced, alert', () => {
    const order = new ToldOrder().report().fill('a.01', '2', '5000').fill('b.01', '1', '5001');
    order.cost('a.01', '4.5').cost('b.01', '2.25');
    order.fill('a.02', '0', '5000');
    expect(order.view).toMatchObject({ filled: '1', remaining: '4', busted: ['a.02'] });
    expect(position(order)).toEqual(['495512563: 1']);
    expect(order.alertNames).toEqual(['HIGH fill_busted a.02']);
    // what did not happen costs nothing
    expect(order.view.commissions).toEqual({ USD: '2.25' });
  });

  it('S038 a bust of the only fill takes the position to zero, and says zero', () => {
    const order = new ToldOrder().report().fill('a.01', '2', '5000').fill('a.02', '0', '5000');
    expect(order.view).toMatchObject({ status: 'Submitted', filled: '0', averagePrice: null });
    expect(position(order)).toEqual(['495512563: 0']);
  });

  it('S038 a bust that is told before its original is told once', () => {
    const order = new ToldOrder().report().fill('a.02', '0', '5000').fill('a.01', '2', '5000');
    expect(order.view).toMatchObject({ filled: '0', busted: ['a.02'] });
    expect(order.alertNames).toEqual(['HIGH fill_busted a.02']);
  });
});

describe('S039 commission', () => {
  it('S039 arrives after the execution', () => {
    const order = new ToldOrder().report().fill('a.01', '1', '5000');
    expect(order.view).toMatchObject({ commissions: {}, withoutCommission: ['a.01'] });
    order.cost('a.01', '2.25', { realizedPnl: '-12.5' });
    expect(order.view).toMatchObject({
      commissions: { USD: '2.25' },
      realizedPnl: { USD: '-12.5' },
      withoutCommission: [],
    });
  });

  it('S039 arrives before the execution, and counts once it is there', () => {
    const order = new ToldOrder().cost('a.01', '2.25');
    expect(order.view.commissions).toEqual({});
    order.fill('a.01', '1', '5000').report();
    expect(order.view).toMatchObject({ commissions: { USD: '2.25' }, withoutCommission: [] });
  });

  it('S039 never arrives: the view names the execution', () => {
    const order = new ToldOrder().report({ quantity: '1' }).fill('a.01', '1', '5000');
    expect(order.view).toMatchObject({ status: 'Filled', withoutCommission: ['a.01'] });
  });

  it.each(['-1', '-1.0', '', '1.7976931348623157E308', null])('S039 sentinel %j is no commission', (text) => {
    const fact = { kind: 'commission', execId: 'a.01', currency: 'USD', realizedPnl: null } as const;
    expect(commissionReport({ ...fact, commission: text }, 'P1')).toBeUndefined();
  });

  it('S039 a rebate is one, and an unknown profit beside it stays unknown', () => {
    const fact = { kind: 'commission', execId: 'a.b.02', commission: '-0.35', currency: 'USD' } as const;
    expect(commissionReport({ ...fact, realizedPnl: '1.7976931348623157E308' }, 'P1')).toEqual({
      orderKey: 'P1',
      execId: 'a.b.02',
      execBase: 'a.b',
      revision: 2,
      commission: '-0.35',
      currency: 'USD',
      realizedPnl: null,
    });
  });

  it('S039 currencies are not added up', () => {
    const order = new ToldOrder()
      .report()
      .fill('a.01', '1', '1')
      .fill('b.01', '1', '1')
      .fill('c.01', '1', '1');
    order.cost('a.01', '2.1').cost('b.01', '0.2', { currency: 'EUR' }).cost('c.01', '2.2');
    expect(order.view.commissions).toEqual({ EUR: '0.2', USD: '4.3' });
  });
});

describe('S040 to S042 fills against the state', () => {
  it('S040 fill before orderStatus', () => {
    const order = new ToldOrder().fill('a.01', '5', '5000');
    order.report({ status: 'PreSubmitted' });
    expect(order.view).toMatchObject({ status: 'Filled', filled: '5', missing: '0' });
    order.report({ status: 'Filled', reportedFilled: '5' });
    expect(order.view).toMatchObject({ status: 'Filled', filled: '5' });
  });

  it('S040 fill without any orderStatus: the fills alone carry the order to its end', () => {
    const order = new ToldOrder().report({ status: 'PendingSubmit' }).fill('a.01', '2', '5000');
    expect(order.view).toMatchObject({ status: 'PartiallyFilled', working: true });
    order.fill('b.01', '3', '5001');
    expect(order.view).toMatchObject({ status: 'Filled', working: false, remaining: '0' });
  });

  it('S041 fill after Cancelled, of the whole order: Filled', () => {
    const order = new ToldOrder().report().report({
      status: 'Cancelled',
      reason: { code: 202, message: 'Order Canceled - reason:' },
    });
    order.fill('a.01', '5', '5000');
    expect(order.view).toMatchObject({ status: 'Filled', filled: '5', endedInPart: false, reason: null });
    expect(order.alerts).toEqual([]);
  });

  it('S041 fill after Cancelled, of a part: Cancelled, and the view says that a part is filled', () => {
    const order = new ToldOrder().report().report({ status: 'Cancelled' }).fill('a.01', '2', '5000');
    expect(order.view).toMatchObject({
      status: 'Cancelled',
      working: false,
      filled: '2',
      remaining: '3',
      endedInPart: true,
      averagePrice: '5000',
    });
    expect(position(order)).toEqual(['495512563: 2']);
  });

  it('S042 overfill: quarantined, CRITICAL', () => {
    const order = new ToldOrder().report().fill('a.01', '3', '5000');
    order.fill('b.01', '4', '5001', { timeMs: openMs + second });
    expect(order.view).toMatchObject({ status: 'PartiallyFilled', filled: '3', quarantined: ['b.01'] });
    expect(position(order)).toEqual(['495512563: 3']);
    expect(order.alertNames).toEqual(['CRITICAL overfill_quarantined b.01']);
    // and what fits still counts
    order.fill('c.01', '2', '5002', { timeMs: openMs + 2 * second });
    expect(order.view).toMatchObject({ status: 'Filled', filled: '5', quarantined: ['b.01'] });
    expect(order.alerts).toHaveLength(1);
  });

  it('S042 an amendment to a larger quantity that was told late releases the quarantine', () => {
    const order = new ToldOrder().report().fill('a.01', '5', '5000').fill('b.01', '5', '5001');
    expect(order.view).toMatchObject({ status: 'Filled', filled: '5', quarantined: ['b.01'] });
    order.report({ quantity: '12' });
    expect(order.view).toMatchObject({
      status: 'PartiallyFilled',
      filled: '10',
      remaining: '2',
      quarantined: [],
    });
  });

  it('S042 what is in quarantine is chosen by time and execId, not by arrival', () => {
    const late = { timeMs: openMs + second };
    const order = new ToldOrder().report().fill('b.01', '3', '5001', late).fill('a.01', '3', '5000');
    expect(order.view).toMatchObject({ filled: '3', averagePrice: '5000', quarantined: ['b.01'] });
  });
});

describe('S043 and S044 synthetic fills', () => {
  const name = {
    account: 'DU1',
    conId: es.conId,
    orderKey: 'P900100',
    quantity: '3',
    cumulativeQuantity: '3',
  };
  const synthetic = (order: ToldOrder, quantity = '3', cumulativeQuantity = quantity, price = '5000') =>
    order.fill(syntheticExecId({ ...name, quantity, cumulativeQuantity }), quantity, price, {
      synthetic: true,
      cumulativeQuantity,
    });

  it('S043 inferred fill, then the real one arrives: replaced, not added', () => {
    const order = synthetic(new ToldOrder().report());
    expect(order.view).toMatchObject({ filled: '3', synthetic: '3', withoutCommission: [] });
    order.fill('a.01', '3', '4990');
    expect(order.view).toMatchObject({ filled: '3', synthetic: '0', averagePrice: '4990' });
    expect(position(order)).toEqual(['495512563: 3']);
  });

  it('S043 the real ones come in parts: the synthetic one shrinks by each', () => {
    const order = synthetic(new ToldOrder().report()).fill('a.01', '1', '4990');
    expect(order.view).toMatchObject({ filled: '3', synthetic: '2' });
    synthetic(order, '2', '5');
    expect(order.view).toMatchObject({ status: 'Filled', filled: '5', synthetic: '4' });
    order.fill('b.01', '2', '4991').fill('c.01', '2', '4992');
    expect(order.view).toMatchObject({ status: 'Filled', filled: '5', synthetic: '0', quarantined: [] });
  });

  it('S044 restart replays the same synthetic fill: same id, once', () => {
    const order = synthetic(new ToldOrder().report());
    synthetic(order);
    expect(order.last?.changed).toBe(false);
    expect(order.view).toMatchObject({ filled: '3', synthetic: '3' });
    expect(syntheticExecId(name)).toBe('SYNTHETIC:DU1:495512563:P900100:3:3');
    // the same number written otherwise is the same fill; another order, account or count is another
    expect(syntheticExecId({ ...name, quantity: '3.0' })).toBe(syntheticExecId(name));
    const others = [
      { cumulativeQuantity: '6' },
      { quantity: '0.5' },
      { account: 'DU2' },
      { orderKey: 'P9:3' },
    ];
    const ids = others.map((other) => syntheticExecId({ ...name, ...other }));
    expect(new Set([...ids, syntheticExecId(name)]).size).toBe(5);
  });
});

describe('S047 to S050 accounts, combinations, clocks, liquidations', () => {
  it('S047 executions of several accounts and sub-accounts are kept apart', () => {
    // given an order of an adviser, executed for two accounts under ids that differ in their revision alone
    const first = new ToldOrder().report().fill('a.01', '2', '5000');
    const second = new ToldOrder().report().fill('a.02', '3', '5000');
    // then each account has its own, and neither corrects the other
    const orders = [
      { account: 'DU2', state: second.state! },
      { account: 'DU1', state: first.state! },
    ];
    expect(netPositions(orders)).toEqual([
      { account: 'DU1', conId: es.conId, position: '2' },
      { account: 'DU2', conId: es.conId, position: '3' },
    ]);
    expect([first.view.corrected, second.view.corrected]).toEqual([[], []]);
  });

  it('S048 spread executions: the combo row counts for no position, the legs do', () => {
    const bag = { contract: calendarSpread };
    const order = new ToldOrder().report({ ...bag, quantity: '2' });
    order.fill('a.01', '2', '-12.25', bag);
    order.fill('b.01', '2', '5000', { contract: es, side: 'SELL' });
    order.fill('c.01', '2', '4987.75', { contract: esJune, side: 'BUY' });
    order.cost('b.01', '4.5').cost('c.01', '4.5');
    // the order is filled by the spread, at the price of the spread, and charged by the legs
    expect(order.view).toMatchObject({
      status: 'Filled',
      filled: '2',
      averagePrice: '-12.25',
      quarantined: [],
      missing: '0',
      commissions: { USD: '9' },
      withoutCommission: [],
    });
    // and positions are those of the legs
    expect(position(order)).toEqual([`${es.conId}: -2`, `${esJune.conId}: 2`]);
  });

  it('S048 legs alone: the order is filled as IB reports it', () => {
    const order = new ToldOrder().report({ contract: calendarSpread, quantity: '2' });
    order.fill('b.01', '2', '5000', { side: 'SELL' }).fill('c.01', '2', '4987.75', { contract: esJune });
    order.report({
      contract: calendarSpread,
      quantity: '2',
      status: 'Filled',
      reportedFilled: '2',
      reportedAveragePrice: '-12.25',
    });
    expect(order.view).toMatchObject({ filled: '2', averagePrice: '-12.25', missing: '0', quarantined: [] });
    expect(position(order)).toEqual([`${es.conId}: -2`, `${esJune.conId}: 2`]);
  });

  it('S049 clock skew: executions are ordered by their time and id, not by arrival', () => {
    const order = new ToldOrder().report();
    // IB's clock runs ahead of ours: the second execution is told first
    order.fill('b.01', '3', '5001', { timeMs: openMs + 900 * second });
    order.fill('d.01', '3', '5003', { timeMs: openMs });
    order.fill('c.01', '1', '5002', { timeMs: openMs });
    // c and d at the same time by id, then b, which no longer fits
    expect(order.view).toMatchObject({ filled: '4', averagePrice: '5002.75', quarantined: ['b.01'] });
  });

  it('S050 liquidation fill: CRITICAL', () => {
    const order = new ToldOrder().fill('a.01', '3', '700', {
      contract: spy,
      side: 'SELL',
      liquidation: true,
    });
    expect(order.view).toMatchObject({ liquidation: true, filled: '3' });
    expect(order.alertNames).toEqual(['CRITICAL liquidation_fill a.01']);
    expect(position(order)).toEqual(['756733: -3']);
    // told once, also when it is repeated or corrected
    order.fill('a.01', '3', '700', { contract: spy, side: 'SELL', liquidation: true });
    order.fill('a.02', '3', '701', { contract: spy, side: 'SELL', liquidation: true });
    expect(order.alertNames.filter((name) => name.startsWith('CRITICAL'))).toHaveLength(1);
  });
});

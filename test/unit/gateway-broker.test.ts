/** The simulated gateway's broker: order types, brackets, groups, partial fills, positions and cash, on a written tape. */
import { describe, expect, it } from 'vitest';
import { correctExecution } from '../../sandbox/gateway/broker/fills.ts';
import { decimal } from '../../sandbox/gateway/broker/money.ts';
import type { BrokerOrder } from '../../sandbox/gateway/broker/types.ts';
import { mulberry32 } from '../../sandbox/tapes/generate.ts';
import { BrokerDesk, brokerStartMs } from '../helpers/broker-desk.ts';

describe('order types', () => {
  it('a market order waits for the tape, is PreSubmitted, and is filled by the next print', () => {
    const desk = new BrokerDesk();
    const order = desk.place({ quantity: '2' });
    expect(desk.told(order)).toEqual(['order PreSubmitted']);
    desk.print('2700.1', '5');
    expect(desk.told(order)).toEqual(['order PreSubmitted', 'fill 2@2700.1 Filled']);
    desk.print('2700.2', '5');
    expect(desk.told(order).length).toBe(2);
  });

  it('prints fill in parts, each by its size; the oldest order first', () => {
    const desk = new BrokerDesk();
    const first = desk.place({ quantity: '3' });
    const second = desk.place({ quantity: '2' });
    desk.print('2700.1', '2');
    desk.print('2700.2', '2');
    expect(desk.told(first)).toEqual([
      'order PreSubmitted',
      'fill 2@2700.1 Submitted',
      'fill 1@2700.2 Filled',
    ]);
    expect(desk.told(second)).toEqual(['order PreSubmitted', 'fill 1@2700.2 Submitted']);
    expect(first.filledValue.div(first.filled).toFixed(4)).toBe('2700.1333');
  });

  it('takes only a share of a size, rounded up; `all` ignores sizes; size 0 fills nothing', () => {
    const half = new BrokerDesk('GCG6', { fillShare: 0.5 });
    const order = half.place({ quantity: '10' });
    half.print('2700.1', '5');
    half.print('2700.1', '0');
    expect(order.filled.toFixed()).toBe('3');
    const all = new BrokerDesk('GCG6', { fillShare: 'all' });
    const whole = all.place({ quantity: '1000' });
    all.print('2700.1', '1');
    expect(whole.status).toBe('Filled');
  });

  it('a limit order is Submitted and takes its price or a better one, at the print, in either direction', () => {
    const desk = new BrokerDesk();
    const buy = desk.place({ orderType: 'LMT', limitPrice: '2700' });
    const sell = desk.place({ action: 'SELL', orderType: 'LMT', limitPrice: '2705' });
    desk.print('2702');
    desk.print('2699.5');
    desk.print('2706');
    expect(desk.told(buy)).toEqual(['order Submitted', 'fill 1@2699.5 Filled']);
    expect(desk.told(sell)).toEqual(['order Submitted', 'fill 1@2706 Filled']);
  });

  it('quotes fill at the other side up to its size', () => {
    const desk = new BrokerDesk();
    const buy = desk.place({ quantity: '3', orderType: 'LMT', limitPrice: '2700' });
    desk.quote('2699', '2700.1', '4', '4');
    expect(buy.filled.toFixed()).toBe('0');
    desk.quote('2699', '2699.9', '4', '2');
    expect(desk.told(buy)).toEqual(['order Submitted', 'fill 2@2699.9 Submitted']);
    const sell = desk.place({ action: 'SELL' });
    desk.quote('2699.5', '2701', '4', '2');
    expect(desk.told(sell)).toEqual(['order PreSubmitted', 'fill 1@2699.5 Filled']);
  });

  it('a stop is PreSubmitted with whyHeld trigger until a print touches it; a stop limit then waits for its limit', () => {
    const desk = new BrokerDesk();
    const stop = desk.place({ action: 'SELL', orderType: 'STP', auxPrice: '2690' });
    const stopLimit = desk.place({
      action: 'SELL',
      orderType: 'STP LMT',
      auxPrice: '2690',
      limitPrice: '2689',
    });
    expect([stop.status, stop.whyHeld]).toEqual(['PreSubmitted', 'trigger']);
    desk.print('2695');
    desk.print('2688', '9');
    expect(desk.told(stop)).toEqual(['order PreSubmitted', 'order Submitted', 'fill 1@2688 Filled']);
    expect(desk.told(stopLimit)).toEqual(['order PreSubmitted', 'order Submitted']);
    desk.print('2689.5');
    expect(stopLimit.status).toBe('Filled');
  });

  it.each([
    ['an amount', { auxPrice: '5' }],
    ['a percentage', { trailingPercent: '0.2' }],
  ])('a trailing stop follows the market by %s and never goes back', (_name, how) => {
    const desk = new BrokerDesk();
    const order = desk.place({ action: 'SELL', orderType: 'TRAIL', ...how });
    desk.print('2700');
    desk.print('2710');
    desk.print('2706');
    expect(order.trailStop!.toFixed()).toBe('auxPrice' in how ? '2705' : '2704.58');
    expect(order.status).toBe('PreSubmitted');
    desk.print('2704');
    expect(desk.told(order).at(-1)).toBe('fill 1@2704 Filled');
  });

  it('a trailing stop limit has its limit an offset behind the stop', () => {
    const desk = new BrokerDesk();
    const order = desk.place({ action: 'SELL', orderType: 'TRAIL LIMIT', auxPrice: '5', limitOffset: '1' });
    desk.print('2710');
    desk.print('2703');
    expect(order.status).toBe('Submitted');
    desk.print('2704.5');
    expect(desk.told(order).at(-1)).toBe('fill 1@2704.5 Filled');
  });

  it('IOC takes what the next row has and cancels the rest', () => {
    const desk = new BrokerDesk();
    const order = desk.place({ quantity: '5', timeInForce: 'IOC' });
    desk.print('2700', '2');
    expect(desk.told(order)).toEqual([
      'order PreSubmitted',
      'fill 2@2700 Submitted',
      'status Cancelled',
      'error 202',
    ]);
  });

  it('GTD ends at its date, DAY with the session of known hours, GTC with neither', () => {
    const hours = '20260104:1800-20260105:1700;20260105:1800-20260106:1700';
    const desk = new BrokerDesk('GCG6', {}, { derived: false, tradingHours: hours });
    const limit = { orderType: 'LMT', limitPrice: '2000' } as const;
    const day = desk.place({ ...limit });
    const gtc = desk.place({ ...limit, timeInForce: 'GTC' });
    const gtd = desk.place({ ...limit, timeInForce: 'GTD', goodTillMs: brokerStartMs + 60_000 });
    desk.wait(59_000);
    expect(gtd.status).toBe('Submitted');
    desk.wait(1_000);
    expect([gtd.status, gtd.completedStatus]).toEqual(['Cancelled', 'Cancelled by System: Order expired']);
    desk.wait(6 * 3_600_000 + 3_540_000);
    expect([day.status, gtc.status]).toEqual(['Cancelled', 'Submitted']);
  });

  it('after the end of the tape the last price stands, for any size', () => {
    const desk = new BrokerDesk();
    desk.print('2700.5');
    const order = desk.place({ quantity: '50' });
    desk.wait(50, true);
    expect(desk.told(order)).toEqual(['order PreSubmitted', 'fill 50@2700.5 Filled']);
  });

  it('in a halt nothing is filled', () => {
    const desk = new BrokerDesk();
    const order = desk.place();
    desk.play({ timeMs: 0, symbol: 'GCG6', price: '', size: '', kind: 'halt', line: 2 });
    desk.print('2700');
    expect(order.status).toBe('PreSubmitted');
    desk.play({ timeMs: 0, symbol: 'GCG6', price: '', size: '', kind: 'resume', line: 2 });
    desk.print('2700');
    expect(order.status).toBe('Filled');
  });

  it('latency: PendingSubmit until it arrives; prints before that do not count; a cancel can lose the race', () => {
    const desk = new BrokerDesk('GCG6', { latencyMs: 2_500 });
    const order = desk.place({ quantity: '2' });
    desk.print('2700');
    desk.print('2700');
    expect(desk.told(order)).toEqual(['order PendingSubmit']);
    desk.print('2701');
    expect(desk.told(order)).toEqual(['order PendingSubmit', 'order PreSubmitted', 'fill 1@2701 Submitted']);
    expect(desk.broker.cancel(order)).toBeUndefined();
    expect(desk.broker.cancel(order)).toMatchObject({ code: 161 });
    desk.print('2702');
    desk.wait(5_000);
    expect(desk.told(order).slice(3)).toEqual(['status PendingCancel', 'fill 1@2702 Filled', 'error 10148']);
  });
});

describe('refusals', () => {
  it.each([
    ['no quantity', { quantity: '0' }, 321],
    ['a word for a quantity', { quantity: 'ten' }, 321],
    ['a limit order without a limit', { orderType: 'LMT' }, 321],
    ['a stop without a stop', { orderType: 'STP' }, 321],
    [
      'a trailing stop with amount and percentage',
      { orderType: 'TRAIL', auxPrice: '1', trailingPercent: '1' },
      321,
    ],
    ['a price off the tick', { orderType: 'LMT', limitPrice: '2700.13' }, 110],
    ['an unknown type', { orderType: 'MOC' as never }, 201],
    ['an unknown time in force', { timeInForce: 'FOK' as never }, 201],
    ['a good till date that is none', { timeInForce: 'GTD', goodTillDate: 'soon' }, 321],
    ['an OCA type that is none', { ocaGroup: 'A', ocaType: 4 }, 321],
  ] as const)('%s', (_name, terms, code) => {
    const desk = new BrokerDesk();
    expect(desk.try(terms)).toMatchObject({ code });
    expect(desk.record.orders).toEqual([]);
  });

  it('an order id at or below one that was used is 103, a parent that is not there 135', () => {
    const desk = new BrokerDesk();
    desk.place({}, { orderId: 10 });
    expect(desk.try({}, { orderId: 9 })).toMatchObject({ code: 103 });
    expect(desk.try({}, { orderId: 9, clientId: 8 })).not.toHaveProperty('code');
    expect(desk.try({}, { orderId: 11, parentId: 99 })).toMatchObject({ code: 135 });
  });
});

describe('changes', () => {
  const resting = (desk: BrokerDesk) =>
    desk.place({ quantity: '5', orderType: 'LMT', limitPrice: '2700' }, { orderId: 4 });
  const again = (desk: BrokerDesk, terms: object, request = {}) =>
    desk.try({ quantity: '5', orderType: 'LMT', limitPrice: '2700', ...terms }, { orderId: 4, ...request });

  it('price and quantity may change; the same permId is told again', () => {
    const desk = new BrokerDesk();
    const order = resting(desk);
    desk.print('2699', '2');
    again(desk, { limitPrice: '2698', quantity: '4' });
    desk.print('2699', '9');
    desk.print('2697', '9');
    expect(desk.told(order)).toEqual([
      'order Submitted',
      'fill 2@2699 Submitted',
      'order Submitted',
      'fill 2@2697 Filled',
    ]);
    expect(desk.record.orders.length).toBe(1);
  });

  it('down to the filled quantity it is filled, below that it is refused with 105 and lives on', () => {
    const desk = new BrokerDesk();
    const order = resting(desk);
    desk.print('2699', '2');
    expect(again(desk, { quantity: '1' })).toMatchObject({ code: 105 });
    expect([order.status, order.terms.quantity]).toEqual(['Submitted', '5']);
    again(desk, { quantity: '2' });
    expect([order.status, order.completedStatus]).toEqual(['Filled', 'Filled Size: 2']);
    expect(again(desk, { quantity: '3' })).toMatchObject({ code: 104 });
  });

  it.each([
    ['the side', { action: 'SELL' }, {}],
    ['the type', { orderType: 'STP LMT', auxPrice: '2700' }, {}],
    ['the reference', { orderRef: 'other' }, {}],
    ['the account', {}, { account: 'DU2' }],
  ])('%s may not change: 105', (_name, terms, request) => {
    const desk = new BrokerDesk();
    resting(desk);
    expect(again(desk, terms, request)).toMatchObject({ code: 105 });
  });

  it('a cancelled order is told PendingCancel, Cancelled and 202; a second cancel is 10148, a change 103', () => {
    const desk = new BrokerDesk();
    const order = resting(desk);
    desk.broker.cancel(order);
    expect(desk.told(order)).toEqual([
      'order Submitted',
      'status PendingCancel',
      'status Cancelled',
      'error 202',
    ]);
    expect(desk.broker.cancel(order)).toMatchObject({ code: 10148 });
    expect(again(desk, {})).toMatchObject({ code: 103 });
  });

  it('a fill after Cancelled counts; one that completes the order makes it Filled', () => {
    const desk = new BrokerDesk();
    const order = resting(desk);
    desk.broker.cancel(order);
    desk.broker.fill(order, decimal('2'), decimal('2700'));
    expect([order.status, order.filled.toFixed()]).toEqual(['Cancelled', '2']);
    desk.broker.fill(order, decimal('3'), decimal('2700'));
    expect(order.status).toBe('Filled');
  });
});

describe('brackets', () => {
  function bracket(desk: BrokerDesk): BrokerOrder[] {
    const exit = { action: 'SELL', quantity: '2', timeInForce: 'GTC' } as const;
    return [
      desk.place({ quantity: '2', orderType: 'LMT', limitPrice: '2700' }, { orderId: 1, transmit: false }),
      desk.place(
        { ...exit, orderType: 'LMT', limitPrice: '2710' },
        { orderId: 2, parentId: 1, transmit: false },
      ),
      desk.place({ ...exit, orderType: 'STP', auxPrice: '2690' }, { orderId: 3, parentId: 1 }),
    ];
  }

  it('is held without a permId until a frame with transmit; the children wait, then work as a group', () => {
    const desk = new BrokerDesk();
    const held = desk.place({}, { orderId: 1, transmit: false });
    expect([held.stage, held.permId, desk.events, desk.record.orders]).toEqual(['held', 0, [], []]);
    const fresh = new BrokerDesk();
    const [parent, profit, stop] = bracket(fresh) as [BrokerOrder, BrokerOrder, BrokerOrder];
    expect([parent, profit, stop].map(({ status, whyHeld }) => `${status} ${whyHeld}`)).toEqual([
      'Submitted ',
      'PreSubmitted child',
      'PreSubmitted child,trigger',
    ]);
    expect(new Set([profit.terms.ocaGroup, stop.terms.ocaGroup])).toEqual(new Set([String(parent.permId)]));
    fresh.print('2715', '9');
    expect(profit.filled.toFixed()).toBe('0');
    fresh.print('2699', '1');
    expect([parent.status, profit.status]).toEqual(['Submitted', 'PreSubmitted']);
    fresh.print('2699', '1');
    expect([parent, profit, stop].map(({ status }) => status)).toEqual([
      'Filled',
      'Submitted',
      'PreSubmitted',
    ]);
    fresh.print('2711', '1');
    expect([profit.filled.toFixed(), stop.terms.quantity, stop.status]).toEqual(['1', '1', 'PreSubmitted']);
    fresh.print('2711', '1');
    expect([profit.status, stop.status, stop.completedStatus]).toEqual([
      'Filled',
      'Cancelled',
      'Cancelled by System',
    ]);
    expect(fresh.record.positions[0]!.position).toBe('0');
  });

  it('a parent that is cancelled or rejected takes its children with it', () => {
    const desk = new BrokerDesk();
    const [parent, profit, stop] = bracket(desk) as [BrokerOrder, BrokerOrder, BrokerOrder];
    desk.broker.cancel(parent);
    expect([profit.status, stop.status]).toEqual(['Cancelled', 'Cancelled']);
    const refusing = new BrokerDesk();
    refusing.broker.prepared.rejections.push({ code: 201, text: 'Order rejected - reason:no', permId: true });
    const rejected = bracket(refusing);
    expect(rejected.map(({ stage }) => stage)).toEqual(['done', 'done', 'done']);
    expect(rejected[0]).toMatchObject({ status: 'Inactive', completedStatus: 'Rejected by System: no' });
    expect(refusing.record.executions).toEqual([]);
  });

  it('what was never transmitted is gone after a restart of the gateway, the rest is not', () => {
    const desk = new BrokerDesk();
    const held = desk.place({}, { orderId: 1, transmit: false });
    const sent = desk.place({ orderType: 'LMT', limitPrice: '2600' }, { orderId: 2 });
    desk.broker.restart();
    expect([held.stage, desk.broker.orders.find(7, 1), sent.stage]).toEqual(['done', undefined, 'working']);
  });
});

describe('OCA groups', () => {
  const pair = (desk: BrokerDesk, ocaType: number) => {
    const terms = { quantity: '4', orderType: 'LMT', ocaGroup: 'G', ocaType } as const;
    return [
      desk.place({ ...terms, limitPrice: '2700' }),
      desk.place({ ...terms, limitPrice: '2600' }),
    ] as const;
  };

  it('type 1: any fill cancels the others', () => {
    const desk = new BrokerDesk();
    const [first, other] = pair(desk, 1);
    desk.print('2699', '1');
    expect([first.status, other.status]).toEqual(['Submitted', 'Cancelled']);
  });

  it.each([2, 3])(
    'type %i: a partial fill makes the others smaller in proportion, a full one cancels them',
    (type) => {
      const desk = new BrokerDesk();
      const [first, other] = pair(desk, type);
      desk.print('2699', '1');
      expect([other.status, other.terms.quantity]).toEqual(['Submitted', '3']);
      desk.print('2699', '3');
      expect([first.status, other.status]).toEqual(['Filled', 'Cancelled']);
    },
  );

  it('another account is another group', () => {
    const desk = new BrokerDesk();
    const terms = { orderType: 'LMT', limitPrice: '2700', ocaGroup: 'G', ocaType: 1 } as const;
    desk.place(terms);
    const other = desk.place({ ...terms, limitPrice: '2600' }, { account: 'DU2' });
    desk.print('2699', '1');
    expect(other.status).toBe('Submitted');
  });
});

describe('positions and cash', () => {
  it('a future: cost is price × multiplier with commission, cash moves by profit and commission (ib-facts 15)', () => {
    const desk = new BrokerDesk('GCG6', {
      commission: { perContract: '2.37', perShare: '0', shareMinimum: '0' },
    });
    desk.place();
    desk.print('1477.3');
    expect(desk.record.positions[0]).toMatchObject({
      position: '1',
      averageCost: '147732.37',
      realizedPnl: '0',
    });
    expect(desk.record.cash[0]).toEqual({ account: 'DU1', currency: 'USD', cash: '999997.63' });
    desk.place({ action: 'SELL', quantity: '3' });
    desk.print('1480', '3');
    // 2.70 × 100 - 2 × 2.37 realised; short 2 at (1480 × 100 - 2.37).
    expect(desk.record.positions[0]).toMatchObject({
      position: '-2',
      averageCost: '147997.63',
      realizedPnl: '265.26',
    });
    expect(desk.record.cash[0]!.cash).toBe('1000260.52');
    expect(desk.record.executions[1]).toMatchObject({ commission: '7.11', realizedPnl: '265.26' });
  });

  it('a stock: cash moves by price × quantity, cost is per share with commission; the minimum is per order', () => {
    const desk = new BrokerDesk('SPY');
    desk.place({ quantity: '300' });
    desk.print('690', '100');
    desk.print('691', '200');
    expect(desk.record.executions.map(({ commission }) => commission)).toEqual(['1', '0.5']);
    expect(desk.record.positions[0]).toMatchObject({ position: '300', averageCost: '690.6716666667' });
    expect(desk.record.cash[0]!.cash).toBe('792798.50');
  });

  it('a correction replaces: position, cost, cash and the order follow, the first revision stays in the record', () => {
    const desk = new BrokerDesk();
    const order = desk.place({ quantity: '2' });
    desk.print('2700', '2');
    const { broker } = desk;
    const correct = (price: string, quantity: string) =>
      correctExecution(
        order,
        broker.ledger.find()!,
        { price: decimal(price), quantity: decimal(quantity) },
        broker.ledger,
        broker.portfolio,
      );
    const second = correct('2701', '2');
    expect(second.execId).toBe('00000007.00000001.01.02');
    expect(desk.record.positions[0]).toMatchObject({ position: '2', averageCost: '270102.25' });
    expect(desk.record.orders[0]).toMatchObject({ filled: '2', averageFillPrice: '2701' });
    expect(desk.record.executions.map(({ execId, superseded }) => [execId, superseded])).toEqual([
      ['00000007.00000001.01.01', true],
      ['00000007.00000001.01.02', false],
    ]);
    correct('2701', '0');
    expect(desk.record.positions[0]).toMatchObject({ position: '0', averageCost: '0' });
    expect([desk.record.orders[0]!.filled, desk.record.cash[0]!.cash]).toEqual(['0', '1000000.00']);
  });

  it('liquidation closes at the last price with an execution marked so', () => {
    const desk = new BrokerDesk();
    desk.place({ action: 'SELL', quantity: '2' });
    desk.print('2700', '2');
    expect(desk.broker.liquidate('DU2')).toBe(false);
    expect(desk.broker.liquidate('DU1')).toBe(true);
    expect(desk.record.positions[0]!.position).toBe('0');
    expect(desk.record.executions[1]).toMatchObject({
      liquidation: true,
      action: 'BUY',
      orderId: 0,
      quantity: '2',
    });
  });

  it('the same seed gives the same record, and positions and cash are the sums of the executions', () => {
    const run = (seed: number) => {
      const desk = new BrokerDesk('GCG6', { fillShare: 0.5 });
      const random = mulberry32(seed);
      const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
      for (let step = 0; step < 400; step += 1) {
        const price = (2700 + Math.floor(random() * 100) / 10).toFixed(1);
        if (random() < 0.3) {
          const type = pick(['MKT', 'LMT', 'STP', 'TRAIL'] as const);
          desk.try(
            {
              action: pick(['BUY', 'SELL'] as const),
              quantity: String(1 + Math.floor(random() * 5)),
              orderType: type,
              limitPrice: type === 'LMT' ? price : '',
              auxPrice: type === 'STP' ? price : type === 'TRAIL' ? '2' : '',
              ocaGroup: random() < 0.3 ? pick(['A', 'B']) : '',
              ocaType: pick([1, 2, 3]),
            },
            { account: pick(['DU1', 'DU2']) },
          );
        }
        const open = desk.broker.orders.open();
        if (open.length > 0 && random() < 0.05) desk.broker.cancel(pick(open));
        desk.print(price, String(Math.floor(random() * 6)));
      }
      return desk;
    };
    for (let seed = 1; seed <= 5; seed += 1) {
      const { record } = run(seed);
      expect(run(seed).record).toEqual(record);
      expect(record.executions.length).toBeGreaterThan(50);
      for (const { account, position } of record.positions) {
        const sum = record.executions
          .filter((one) => one.account === account)
          .reduce(
            (total, { action, quantity }) => total.plus(action === 'BUY' ? quantity : `-${quantity}`),
            decimal(0),
          );
        expect(position).toBe(sum.toFixed());
      }
      for (const order of record.orders) {
        const sum = record.executions
          .filter(({ permId }) => permId === order.permId)
          .reduce((total, { quantity }) => total.plus(quantity), decimal(0));
        expect(order.filled).toBe(sum.toFixed());
        expect(decimal(order.filled).lte(order.quantity)).toBe(true);
      }
    }
  });
});

/** Fills as the tracker sees them: IB's facts in, events out. What the fold makes of them is c2-fills.test.ts. */
import { describe, expect, it } from 'vitest';
import { calendarSpread, es, esJune } from '../unit/orders/order-harness.ts';
import {
  commission,
  completed,
  execution,
  openOrder,
  orderStatus,
  TrackedDesk,
  terms,
} from '../unit/orders/tracker-harness.ts';

const minute = 60_000;

describe('C2 fills, the tracker', () => {
  it('S033 a fill whose order is unknown makes an external order', () => {
    const desk = new TrackedDesk().fact(execution('e1.01', '2', { orderRef: '' }));
    expect(desk.emitted).toMatchObject([
      { name: 'fill.received', data: { orderKey: 'P900100', quantity: '2' } },
    ]);
    expect(desk.view()).toMatchObject({ filled: '2', contract: { conId: es.conId } });
    const stray = new TrackedDesk().fact(execution('e2.01', '1', { permId: 0, orderId: 0, clientId: 0 }));
    expect(stray.emitted[0]!.data).toMatchObject({ orderKey: 'Ee2', origin: 'manual' });
  });

  it('S034 the same execution twice is one fill, live and in every list', () => {
    const desk = new TrackedDesk()
      .connect()
      .fact(openOrder(), execution('e1.01', '2'), execution('e1.01', '2'));
    desk.answer({
      executions: [execution('e1.01', '2')],
      'open-orders': [openOrder(), orderStatus('Submitted', '2')],
    });
    desk.round({
      executions: [execution('e1.01', '2')],
      'open-orders': [openOrder(), orderStatus('Submitted', '2')],
    });
    expect(desk.news()).toEqual(['order.placed', 'fill.received', 'order.changed']);
    expect(desk.view().filled).toBe('2');
  });

  it('S035 the same execId with another price: the first is kept, one alert', () => {
    const noisy = execution('e1.01', '2', { price: '4999' });
    const desk = new TrackedDesk().fact(openOrder(), execution('e1.01', '2'), noisy, noisy);
    expect(desk.alerts()).toEqual(['MEDIUM execution_noisy e1.01']);
    expect(desk.view()).toMatchObject({ filled: '2', averagePrice: '5000', noisy: ['e1.01'] });
    expect(desk.restarted().fact(noisy, execution('e1.01', '2')).news()).toEqual([]);
  });

  it.each([
    ['before', ['cost', 'fill']],
    ['after', ['fill', 'cost']],
  ] as const)('S039 a commission that comes %s its execution', (_when, order) => {
    const desk = new TrackedDesk().fact(openOrder());
    for (const kind of order) desk.fact(kind === 'cost' ? commission('e1.01') : execution('e1.01', '2'));
    desk.fact(commission('e1.01'));
    expect(desk.news().filter((name) => name === 'commission.received')).toHaveLength(1);
    expect(desk.view().commissions).toEqual({ USD: '2.25' });
  });

  it('S039 a commission that never comes, or comes as a sentinel, is told as nothing', () => {
    const desk = new TrackedDesk().fact(openOrder(), execution('e1.01', '2'), commission('e1.01', null));
    expect(desk.news()).not.toContain('commission.received');
    expect(desk.view()).toMatchObject({ commissions: {}, withoutCommission: ['e1.01'] });
    desk.fact(commission('e1.01', '-0.5'));
    expect(desk.view().commissions).toEqual({ USD: '-0.5' });
  });

  it('S040 a fill before the order status, and without any', () => {
    const early = new TrackedDesk().fact(
      execution('e1.01', '5'),
      orderStatus('Filled', '5'),
      openOrder({ status: 'Filled' }),
    );
    expect(early.news()).toEqual(['fill.received', 'order.filled']);
    const alone = new TrackedDesk().fact(openOrder(), execution('e1.01', '5'));
    expect(alone.news()).toEqual(['order.placed', 'fill.received', 'order.filled']);
    for (const desk of [early, alone]) expect(desk.view()).toMatchObject({ status: 'Filled', filled: '5' });
  });

  it('S041 a fill after Cancelled is taken: filled in part, or filled', () => {
    const desk = new TrackedDesk().fact(openOrder(), orderStatus('Cancelled'), execution('e1.01', '2'));
    expect(desk.news()).toEqual(['order.placed', 'order.cancelled', 'fill.received', 'order.changed']);
    expect(desk.view()).toMatchObject({ status: 'Cancelled', filled: '2', endedInPart: true });
    desk.fact(execution('e2.01', '3', { cumulativeQuantity: '5' }));
    expect(desk.news()).toEqual(['fill.received', 'order.filled']);
    expect(desk.view()).toMatchObject({ status: 'Filled', filled: '5' });
  });

  describe('S045 fills older than the gateway’s midnight', () => {
    // Monday 2026-01-05, New York.
    const beforeMidnight = Date.parse('2026-01-06T04:50:00Z');
    const afterMidnight = Date.parse('2026-01-06T05:10:00Z');

    const down = () => {
      const desk = new TrackedDesk();
      desk.nowMs = beforeMidnight;
      desk.connect().fact(openOrder(), execution('e1.01', '2')).answer();
      desk.input({ kind: 'disconnected' }).news();
      desk.nowMs = afterMidnight;
      return desk;
    };

    it('S045 are a gap that is told once, with its bounds', () => {
      const desk = down()
        .connect()
        .answer({ 'completed-orders': [completed('Filled Size: 5')] });
      const gap = desk.emitted.at(-1)!;
      expect(gap.data).toMatchObject({
        alert: 'executions_gap',
        severity: 'HIGH',
        subject: 'executions 2026-01-06T04:50:00.000Z/2026-01-06T05:00:00.000Z',
        message: expect.stringContaining('P900100'),
      });
      desk.news();
      desk.round({}).input({ kind: 'disconnected' }).connect().answer();
      expect(desk.alerts()).toEqual([]);
    });

    it('S045 are none where what the orders report agrees with the fills', () => {
      const rows = [openOrder(), orderStatus('Submitted', '2')];
      expect(down().connect().answer({ 'open-orders': rows }).alerts()).toEqual([]);
    });

    it('S045 are suspected of an order that is gone from all lists, and after a crash too', () => {
      expect(down().restarted().connect().answer().alerts()).toMatchObject([
        expect.stringContaining('executions_gap'),
      ]);
    });

    it('S045 are not judged by a list that failed; without any proof the doubt is told in the end', () => {
      const rows = [openOrder(), orderStatus('Submitted', '2')];
      const desk = down().connect().answer({ 'open-orders': rows }, { executions: 'failed' });
      expect(desk.alerts()).toEqual([]);
      desk.round({ 'open-orders': rows }, { 'completed-orders': 'partial' });
      desk.round({ 'open-orders': rows }, { 'completed-orders': 'failed' });
      expect(desk.alerts()).toEqual([]);
      desk.round({ 'open-orders': rows }, { 'completed-orders': 'failed' });
      expect(desk.alerts()).toMatchObject([expect.stringContaining('executions_gap')]);
    });

    it('S045 found at the very first start are a gap without a beginning', () => {
      const desk = new TrackedDesk()
        .connect()
        .answer({ 'open-orders': [openOrder(), orderStatus('Submitted', '2')] });
      expect(desk.emitted.at(-1)!.data).toMatchObject({
        message: expect.stringContaining('from the beginning'),
      });
      expect(
        new TrackedDesk()
          .connect()
          .answer({ 'open-orders': [openOrder()] })
          .alerts(),
      ).toEqual([]);
    });
  });

  /** Down from `from` to `to`, with an order that was filled meanwhile and whose executions nobody lists. */
  const missedBetween = (from: string, to: string, timeZone: string): string[] => {
    const desk = new TrackedDesk({ timeZone });
    desk.nowMs = Date.parse(from);
    desk.connect().fact(openOrder()).answer();
    desk.input({ kind: 'disconnected' }).news();
    desk.nowMs = Date.parse(to);
    desk.connect().answer({ 'completed-orders': [completed('Filled Size: 5')] });
    return desk.alerts().map((alert) => alert.split('/')[1]!);
  };

  it.each([
    // Summer time begins on 2026-03-08 at 02:00 in New York: the midnight before it is still at 05:00 UTC.
    [
      'the night before spring',
      '2026-03-08T04:58:00Z',
      '2026-03-08T05:02:00Z',
      'America/New_York',
      '2026-03-08T05:00:00.000Z',
    ],
    [
      'the night after spring',
      '2026-03-09T03:58:00Z',
      '2026-03-09T04:02:00Z',
      'America/New_York',
      '2026-03-09T04:00:00.000Z',
    ],
    [
      'the night after autumn',
      '2026-11-02T04:58:00Z',
      '2026-11-02T05:02:00Z',
      'America/New_York',
      '2026-11-02T05:00:00.000Z',
    ],
    [
      'a zone whose day begins at 01:00 that night',
      '2026-04-23T21:58:00Z',
      '2026-04-23T22:02:00Z',
      'Africa/Cairo',
      '2026-04-23T22:00:00.000Z',
    ],
    ['London', '2026-03-29T22:58:00Z', '2026-03-29T23:02:00Z', 'Europe/London', '2026-03-29T23:00:00.000Z'],
    [
      'IB’s own words for a zone',
      '2026-07-01T03:58:00Z',
      '2026-07-01T04:02:00Z',
      'EST (Eastern Standard Time)',
      '2026-07-01T04:00:00.000Z',
    ],
  ])('S046 midnight in the gateway’s zone: %s', (_name, from, to, zone, midnight) => {
    expect(missedBetween(from, to, zone)).toEqual([midnight]);
  });

  it.each([
    ['24 h UTC midnight', '2026-01-05T23:58:00Z', '2026-01-06T00:02:00Z'],
    ['the hour that New York has twice', '2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z'],
  ])('S046 no midnight of the gateway’s zone: %s', (_name, from, to) => {
    expect(missedBetween(from, to, 'America/New_York')).toEqual([]);
  });

  it('S046 a restore after a night without IB’s servers is a gap as well', () => {
    const desk = new TrackedDesk();
    desk.nowMs = Date.parse('2026-01-06T04:50:00Z');
    desk.connect().fact(openOrder()).answer().news();
    desk.nowMs += 20 * minute;
    desk.input({ kind: 'restored' }).answer({ 'completed-orders': [completed('Filled Size: 5')] });
    expect(desk.alerts()).toMatchObject([expect.stringContaining('executions_gap')]);
  });

  it('S046 a midnight on a link that holds is none', () => {
    const desk = new TrackedDesk();
    desk.nowMs = Date.parse('2026-01-06T04:59:30Z');
    desk.connect().fact(openOrder()).answer();
    desk.round({ 'open-orders': [openOrder(), orderStatus('Submitted', '2')] });
    expect(desk.alerts()).toEqual([]);
  });

  it('S047 executions of several accounts go to their own', () => {
    const desk = new TrackedDesk().fact(
      execution('e1.01', '2'),
      execution('e2.01', '1', { account: 'DU2', permId: 900200, orderId: 15 }),
      commission('e2.01'),
    );
    expect(desk.emitted.map(({ name, account }) => `${name} ${account}`)).toEqual([
      'fill.received DU1',
      'fill.received DU2',
      'commission.received DU2',
    ]);
  });

  it("S047 an adviser's order: what each account got of it is booked in that account, with its cost", () => {
    const facts = [
      openOrder(),
      execution('e1.01', '2'),
      execution('e1.02', '3', { account: 'DU2', cumulativeQuantity: '5' }),
      commission('e1.01'),
      commission('e1.02', '3.75'),
    ];
    const desk = new TrackedDesk().fact(...facts);
    const fills = desk.emitted.filter(({ name }) => /fill|commission/.test(name));
    expect(fills.map(({ name, account }) => `${name} ${account}`)).toEqual([
      'fill.received DU1',
      'fill.received DU2',
      'commission.received DU1',
      'commission.received DU2',
    ]);
    expect(desk.view()).toMatchObject({ filled: '2', corrected: [], commissions: { USD: '2.25' } });
    expect(desk.view('P900100@DU2')).toMatchObject({ filled: '3', commissions: { USD: '3.75' } });
    // Told again after a restart it is a repeat, and the order is still the one of its permId.
    const again = desk.restarted();
    expect(again.fact(...facts).news()).toEqual([]);
    again.fact(orderStatus('Filled', '5'));
    expect(again.view()).toMatchObject({ status: 'Filled' });
  });

  it("S047 an order that IB names no account of is the login's own, not that of nobody", () => {
    const desk = new TrackedDesk().fact(openOrder({ account: '' }), execution('e1.01', '2'));
    expect(desk.emitted.map(({ account }) => account)).toEqual(['DU1', 'DU1', 'DU1']);
  });

  it('S048 of a spread the legs are booked, not the row of the combination', () => {
    const spread = openOrder({ contract: calendarSpread, terms: terms({ quantity: '1' }) });
    const row = execution('c1.01', '1', { contract: calendarSpread });
    const legs = [
      execution('l1.01', '1'),
      execution('l2.01', '1', { contract: esJune, side: 'SELL', cumulativeQuantity: '1' }),
    ];
    for (const facts of [
      [spread, row, ...legs],
      [...legs, row, spread, row],
    ]) {
      const desk = new TrackedDesk().fact(
        ...facts,
        commission('c1.01'),
        commission('l1.01'),
        orderStatus('Filled', '1'),
      );
      const fills = desk.emitted.filter(({ name }) => name === 'fill.received');
      expect(fills.map(({ data }) => (data as { execId: string }).execId)).toEqual(['l1.01', 'l2.01']);
      expect(desk.alerts()).toEqual([]);
      expect(desk.view()).toMatchObject({
        status: 'Filled',
        quarantined: [],
        commissions: { USD: '2.25' },
        missing: '0',
      });
    }
  });

  it('S049 with our clock wrong, executions are ordered by IB’s time and id', () => {
    const first = execution('e1.01', '3', { timeMs: 1_000, price: '10' });
    const late = execution('e2.01', '3', { timeMs: 2_000, price: '20' });
    const desk = new TrackedDesk().fact(openOrder());
    desk.nowMs = 5;
    desk.fact(late, first);
    // The one that happened last does not fit in the order, whichever came first.
    expect(desk.view()).toMatchObject({ filled: '3', averagePrice: '10', quarantined: ['e2.01'] });
    const fills = desk.emitted.filter(({ name }) => name === 'fill.received');
    expect(fills.map(({ occurredAtMs }) => occurredAtMs)).toEqual([2_000, 1_000]);
    expect(desk.alerts()).toContain('CRITICAL overfill_quarantined e2.01');
  });

  it('S050 a liquidation is an external order and a critical alert, once', () => {
    const fact = execution('e1.01', '2', { liquidation: true, clientId: 0, orderId: 0, orderRef: '' });
    const desk = new TrackedDesk().fact(fact, fact);
    expect(desk.emitted[0]!.data).toMatchObject({ origin: 'manual', liquidation: true });
    expect(desk.alerts()).toEqual(['CRITICAL liquidation_fill e1.01']);
  });
});

/**
 * C2, what reconcile adds: fills of a snapshot that the book lacks, and what becomes of them when the streamer tells them
 * after all. What one fold makes of a fill is c2-fills.test.ts, which has the numbers of the scenarios.
 */
import { describe, expect, it } from 'vitest';
import { account, fillOf, found, minute, planned, World } from '../helpers/reconcile-world.ts';
import { calendarSpread, es, esJune, openMs } from '../unit/orders/order-harness.ts';

describe('C2 fills, reconcile', () => {
  it('several missed partials of one order are one action with all of them', () => {
    const world = new World().told(1);
    world
      .execution(1, 'e2.01', '2', { cumulative: '3', atMs: openMs + 2 * minute })
      .execution(1, 'e1.01', '1');
    world.commission('e1.01', '2.25').commission('e2.01', '4.5');
    const verdict = world.open(1, { filled: '3' }).run();
    expect(verdict.discrepancies).toMatchObject([
      { type: 'MISSING_FILL', severity: 'HIGH', evidence: ['e1.01', 'e2.01'] },
    ]);
    expect(planned(verdict)).toEqual(['to_update order P1']);
    expect(verdict.plan.actions[0]!.summary).toBe('Submitted -> PartiallyFilled, 3 of 5 at 5000');
    expect(world.apply(verdict).order('P1')).toMatchObject({
      filled: '3',
      commissions: { USD: '6.75' },
      withoutCommission: [],
    });
    expect(planned(world.later().run())).toEqual([]);
  });

  it('the same executions told by the streamer afterwards change nothing', () => {
    const world = new World().told(1).execution(1, 'e1.01', '2').commission('e1.01', '4.5');
    world.open(1, { filled: '2' });
    world.apply(world.run());
    const before = structuredClone(world.order('P1'));
    world.tell({ kind: 'fill', at: { epoch: 1, seq: 900 }, report: fillOf(1, 'e1.01', '2') });
    expect(world.order('P1')).toEqual(before);
    expect(world.items.get('fill e1#0001')!.version).toBe(1);
  });

  it("the streamer's next word on an order wins over what the plan wrote, and its earlier ones come too late", () => {
    const world = new World().told(1, { limitPrice: '5000' });
    const early = world.stamp();
    world.told(1, { limitPrice: '5001' }).open(1, { limitPrice: '4990' });
    world.apply(world.run());
    expect(world.order('P1').terms!.limitPrice).toBe('4990');
    const told = new World().told(1, { limitPrice: '1' }).order('P1');
    const report = { ...told, terms: told.terms!, contract: es, brokerStatus: 'Submitted', reason: null };
    world.tell({ kind: 'order', at: early, report });
    expect(world.order('P1').terms!.limitPrice).toBe('4990');
    world.tell({ kind: 'order', at: world.stamp(), report });
    expect(world.order('P1').terms!.limitPrice).toBe('1');
  });

  it('executions of an order that nobody knows make an external order', () => {
    const world = new World()
      .execution(4, 'e1.01', '2', { orderRef: '' })
      .execution(0, 'x9.01', '1', { orderId: 0 });
    const verdict = world.run();
    expect(found(verdict)).toEqual(['MISSING_FILL order Ex9', 'MISSING_FILL order P4']);
    world.apply(verdict);
    expect(world.order('P4')).toMatchObject({ status: 'Unknown', filled: '2' });
    expect(world.order('Ex9')).toMatchObject({ origin: 'manual', filled: '1' });
    expect(found(world.later().run())).toEqual([]);
  });

  it('an execution that is listed twice is booked once', () => {
    const world = new World()
      .told(1)
      .execution(1, 'e1.01', '2')
      .execution(1, 'e1.01', '2')
      .open(1, { filled: '2' });
    expect(world.apply(world.run()).order('P1')).toMatchObject({ filled: '2', noisy: [] });
  });

  it('an execution with another price under its id: the first is kept and marked, once', () => {
    const world = new World().told(1, { filled: '2' }).toldFill(1, 'e1.01', '2', { price: '5000' });
    world.execution(1, 'e1.01', '2', { price: '5005' }).open(1, { filled: '2' });
    const verdict = world.run();
    expect(verdict.discrepancies).toMatchObject([
      { type: 'PRICE_MISMATCH', severity: 'INFO', evidence: ['e1.01'] },
    ]);
    expect(world.apply(verdict).order('P1')).toMatchObject({ averagePrice: '5000', noisy: ['e1.01'] });
    expect(found(world.later().run())).toEqual([]);
  });

  it.each([
    { what: 'correction', quantity: '1', filled: '1', standing: { corrected: ['e1.02'], busted: [] } },
    { what: 'bust', quantity: '0', filled: '0', standing: { busted: ['e1.02'] } },
  ])('a missed $what replaces the execution that the book has', ({ quantity, filled, standing }) => {
    const world = new World().told(1, { filled: '2' }).toldFill(1, 'e1.01', '2');
    world.execution(1, 'e1.02', quantity).open(1);
    const verdict = world.run();
    expect(found(verdict)).toEqual(['MISSING_FILL order P1']);
    expect(world.apply(verdict).order('P1')).toMatchObject({ filled, ...standing });
    expect(found(world.later().run())).toEqual([]);
  });

  it('a cost that the book does not know is INFO; one that has changed is put under the stamp that it had', () => {
    const world = new World().told(1, { filled: '2' }).toldFill(1, 'e1.01', '2').toldFill(1, 'e2.01', '1');
    world.toldCommission(1, 'e1.01', '4').execution(1, 'e1.01', '2').execution(1, 'e2.01', '1');
    const { stamp } = (world.items.get('fill e1#0001')!.body as { commission: { stamp: unknown } })
      .commission;
    world.commission('e1.01', '4.5').commission('e2.01', '2.25').open(1, { filled: '3' });
    const verdict = world.run();
    expect(verdict.discrepancies).toMatchObject([
      { type: 'MISSING_FILL', severity: 'INFO', evidence: ['e1.01', 'e2.01'] },
    ]);
    expect(world.apply(verdict).order('P1').commissions).toEqual({ USD: '6.75' });
    expect(world.items.get('fill e1#0001')!.body).toMatchObject({ commission: { commission: '4.5', stamp } });
    expect(found(world.later().run())).toEqual([]);
  });

  it("IB's sentinel is no cost", () => {
    const world = new World().told(1, { filled: '2' }).toldFill(1, 'e1.01', '2').execution(1, 'e1.01', '2');
    world.commission('e1.01', '-1').open(1, { filled: '2' });
    expect(found(world.run())).toEqual([]);
  });

  it('a cost of an execution that is no longer listed is booked with its order', () => {
    const world = new World()
      .told(1, { filled: '2' })
      .toldFill(1, 'e1.01', '2', { atMs: openMs - 24 * 60 * minute });
    const verdict = world.commission('e1.01', '4.5').open(1, { filled: '2' }).run();
    expect(planned(verdict)).toEqual(['to_update order P1']);
    expect(world.apply(verdict).order('P1').commissions).toEqual({ USD: '4.5' });
  });

  it('an overfill goes to quarantine and is CRITICAL', () => {
    const world = new World().told(1, { filled: '5' }).toldFill(1, 'e1.01', '5').execution(1, 'e1.01', '5');
    const verdict = world.execution(1, 'e2.01', '1', { cumulative: '6', atMs: openMs + 2 * minute }).run();
    expect(verdict.discrepancies).toMatchObject([{ type: 'MISSING_FILL', severity: 'CRITICAL' }]);
    expect(world.apply(verdict).order('P1')).toMatchObject({ filled: '5', quarantined: ['e2.01'] });
    expect(found(world.later().run())).toEqual([]);
  });

  it('a real execution replaces the synthetic fill that stood in for it', () => {
    const world = new World().told(1, { filled: '2' });
    world.toldFill(1, 'SYNTHETIC:x', '2', { synthetic: true, cumulative: '2', price: '4999' });
    expect(world.order('P1')).toMatchObject({ filled: '2', synthetic: '2' });
    world.execution(1, 'e1.01', '2').open(1, { filled: '2' });
    expect(world.apply(world.run()).order('P1')).toMatchObject({
      filled: '2',
      synthetic: '0',
      averagePrice: '5000',
    });
  });

  it('a gap that no execution explains is given time, then said, and a synthetic fill stands in for it', () => {
    const world = new World().told(1, { filled: '2' }).bothPosition('2').open(1, { filled: '2' });
    const early = world.runs(2);
    expect(early.pending).toContainEqual(expect.objectContaining({ subject: 'fills of order P1', runs: 2 }));
    expect([found(early), planned(early)]).toEqual([[`UNPROTECTED_POSITION position ${es.conId}`], []]);
    const verdict = world.later().run();
    expect(verdict.discrepancies).toContainEqual(
      expect.objectContaining({ type: 'MISSING_FILL', subject: 'order P1', broker: '2 filled' }),
    );
    expect(planned(verdict)).toEqual(['to_update order P1']);
    expect(world.apply(verdict).order('P1')).toMatchObject({ filled: '2', synthetic: '2', missing: '0' });
    expect(planned(world.later().run())).toEqual([]);
  });

  it('an execution that the broker no longer lists is no verdict at once', () => {
    const world = new World().told(1, { filled: '2' }).toldFill(1, 'e1.01', '2').open(1);
    expect(world.runs(2).pending).toMatchObject([{ subject: 'fill e1.01', runs: 2 }]);
    expect(found(world.later().run())).toEqual(['UNRESOLVED fill e1.01']);
    expect(found(world.execution(1, 'e1.01', '2').later().run())).toEqual([]);
  });

  it('executions of other accounts are none of ours; a share in an order of another account has a key of its own', () => {
    const world = new World().execution(1, 'e1.01', '2', { account: 'DU2' }).execution(3, 'e3.01', '1');
    world
      .open(3)
      .rows.openOrders.splice(0, 1, { ...world.open(3).rows.openOrders[0]!, account: 'DU2' } as never);
    world.rows.openOrders.splice(1);
    const verdict = world.run();
    expect(planned(verdict)).toEqual([`to_insert order P3@${account}`]);
  });

  it('of a spread the legs are booked, not the row of the combination', () => {
    const world = new World().told(1, {
      contract: calendarSpread,
      quantity: '2',
      terms: { orderType: 'LMT' },
    });
    world.execution(1, 'b1.01', '2', { contract: calendarSpread });
    world
      .execution(1, 'l1.01', '2', { contract: es })
      .execution(1, 'l2.01', '2', { contract: esJune, side: 'SELL' });
    const verdict = world.completed(1, 'Filled Size: 2', { contract: calendarSpread, filled: '2' }).run();
    world.apply(verdict);
    expect([...world.items.keys()].filter((text) => text.startsWith('fill '))).toEqual([
      'fill l1#0001',
      'fill l2#0001',
    ]);
    expect(world.order('P1')).toMatchObject({ status: 'Filled', filled: '2', missing: '0' });
    expect(planned(world.later().run())).toEqual([]);
  });

  it('a liquidation is CRITICAL', () => {
    const verdict = new World()
      .execution(9, 'e1.01', '2', { liquidation: true, side: 'SELL', orderId: 0 })
      .run();
    expect(verdict.discrepancies).toMatchObject([{ severity: 'CRITICAL', subject: 'order P9' }]);
  });

  it('more executions than a transaction holds are booked in several runs', () => {
    const world = new World().told(1, { quantity: '100' });
    for (let n = 10; n < 90; n += 1) {
      world.execution(1, `e${n}.01`, '1', { cumulative: String(n - 9), atMs: openMs + n * 1_000 });
    }
    world.open(1, { quantity: '100', filled: '80' });
    const first = world.run();
    expect(first.plan.actions[0]!.writes.length).toBeLessThanOrEqual(80);
    expect(world.apply(first).order('P1').filled).toBe('70');
    expect(world.apply(world.later().run()).order('P1')).toMatchObject({ filled: '80', missing: '0' });
    expect(planned(world.later().run())).toEqual([]);
  });
});

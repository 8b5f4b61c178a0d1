/** C1, orders at startup: what the book says of each order, beside what the broker says. */
import { describe, expect, it } from 'vitest';
import { found, minute, planned, World } from '../helpers/reconcile-world.ts';
import { es, openMs } from '../unit/orders/order-harness.ts';

describe('C1 orders', () => {
  it('S001 clean match: no discrepancy, no action', () => {
    const world = new World().both(1).both(2, { side: 'SELL' }).bothPosition('2').bothCash('1000');
    world.told(9, { contract: es, side: 'SELL', terms: { orderType: 'STP', stopPrice: '4900' } });
    world.open(9, { contract: es, side: 'SELL', terms: { orderType: 'STP', stopPrice: '4900' } });
    const verdict = world.run();
    expect(verdict).toMatchObject({ discrepancies: [], pending: [], unjudged: [], opened: [] });
    expect(verdict.plan.actions).toEqual([]);
    expect(verdict.counts).toEqual({ broker: 4, book: 4 });
  });

  it('S002 A and B at the broker, A and C in the book: B is adopted, C is investigated and never deleted', () => {
    const world = new World().both(1).open(2).told(3);
    const first = world.run();
    expect(found(first)).toEqual(['MISSING_FROM_BOOK order P2']);
    expect(planned(first)).toEqual(['to_insert order P2']);
    expect(first.pending).toMatchObject([{ subject: 'order P3', runs: 1 }]);
    expect(first.queries).toEqual([{ orderKey: 'P3', permId: 3, orderRef: 'ref-3' }]);
    const last = world.apply(first).later().runs(2);
    expect(found(last)).toEqual(['UNRESOLVED order P3']);
    expect(planned(last)).toEqual([]);
    expect(world.order('P2')).toMatchObject({ status: 'Submitted', permId: 2, orderRef: 'ref-2' });
    expect(world.order('P3')).toMatchObject({ status: 'Submitted' });
  });

  it('S003 submitted in the book, rejected at the broker: Rejected, once', () => {
    const world = new World().told(1).completed(1, 'Rejected by System: no margin');
    const verdict = world.run();
    expect(found(verdict)).toEqual(['ORDER_STATUS_MISMATCH order P1']);
    expect(planned(verdict)).toEqual(['to_update order P1']);
    world.apply(verdict);
    expect(world.order('P1')).toMatchObject({
      status: 'Rejected',
      reason: { message: 'Rejected by System: no margin' },
    });
    const again = world.later().run();
    expect(found(again)).toEqual([]);
    expect(planned(again)).toEqual([]);
  });

  it('S004 accepted in the book, cancelled at the broker: Cancelled, and its fills are kept', () => {
    const world = new World().told(1, { filled: '2' }).toldFill(1, 'e1.01', '2').execution(1, 'e1.01', '2');
    const verdict = world.completed(1, 'Cancelled by Trader', { filled: '2' }).run();
    expect(found(verdict)).toEqual(['ORDER_STATUS_MISMATCH order P1']);
    world.apply(verdict);
    expect(world.order('P1')).toMatchObject({ status: 'Cancelled', filled: '2', endedInPart: true });
  });

  it('S005 accepted in the book, not open, executed: Filled by its real executions, never deleted', () => {
    const world = new World().told(1);
    world.execution(1, 'e1.01', '2', { price: '5000' });
    world.execution(1, 'e2.01', '3', { price: '5001', cumulative: '5', atMs: openMs + 2 * minute });
    const verdict = world.run();
    expect(found(verdict)).toEqual(['MISSING_FILL order P1']);
    expect(planned(verdict)).toEqual(['to_update order P1']);
    expect(world.apply(verdict).order('P1')).toMatchObject({
      status: 'Filled',
      filled: '5',
      averagePrice: '5000.6',
      synthetic: '0',
      missing: '0',
    });
  });

  it('S006 accepted in the book, absent everywhere: asked for by name, then UNRESOLVED, not Rejected', () => {
    const world = new World().told(1);
    for (const runs of [1, 2]) {
      const waiting = world.later().run();
      expect(waiting.pending).toMatchObject([{ subject: 'order P1', runs }]);
      expect(waiting.queries).toHaveLength(1);
      expect(found(waiting)).toEqual([]);
    }
    const verdict = world.later().run();
    expect(verdict.discrepancies).toMatchObject([
      { type: 'UNRESOLVED', severity: 'HIGH', subject: 'order P1' },
    ]);
    expect(planned(verdict)).toEqual([]);
    expect(world.order('P1').status).toBe('Submitted');
  });

  it('S006 an order that a list which failed cannot show is not absent: its count stands still', () => {
    const world = new World().told(1).bothCash('1000');
    world.run();
    const verdict = world.outcome('completedOrders', 'partial').runs(5);
    expect(verdict.memory.absent).toEqual({ 'order P1': 1 });
    expect(found(verdict)).toEqual([]);
    expect(verdict.unjudged).toEqual([expect.stringContaining('completedOrders is partial')]);
  });

  it('S007 partially filled, absent, its executions complete: the rest is Cancelled, the fills are kept', () => {
    const world = new World().told(1, { filled: '2' }).toldFill(1, 'e1.01', '2').execution(1, 'e1.01', '2');
    expect(world.runs(2).pending).toMatchObject([{ subject: 'order P1' }]);
    const verdict = world.later().run();
    expect(found(verdict)).toEqual(['ORDER_STATUS_MISMATCH order P1']);
    expect(planned(verdict)).toEqual(['to_update order P1']);
    expect(world.apply(verdict).order('P1')).toMatchObject({
      status: 'Cancelled',
      filled: '2',
      endedInPart: true,
    });
    expect(planned(world.later().run())).toEqual([]);
  });

  it('S007 partially filled before the window of executions began: UNRESOLVED', () => {
    const yesterday = openMs - 24 * 60 * minute;
    const world = new World().told(1, { filled: '2', changedAtMs: yesterday });
    world.toldFill(1, 'e1.01', '2', { atMs: yesterday });
    const verdict = world.runs(3);
    expect(found(verdict)).toEqual(['UNRESOLVED order P1']);
    expect(planned(verdict)).toEqual([]);
  });

  it('S008 filled in the book, absent at the broker: nothing', () => {
    const world = new World().told(1, {
      status: 'Filled',
      filled: '5',
      changedAtMs: openMs - 24 * 60 * minute,
    });
    world.toldFill(1, 'e1.01', '5', { atMs: openMs - 24 * 60 * minute });
    const verdict = world.runs(4);
    expect(verdict).toMatchObject({ discrepancies: [], pending: [], queries: [] });
  });

  it('S009 pending cancel, absent: unresolved', () => {
    const verdict = new World().told(1, { status: 'PendingCancel' }).runs(3);
    expect(found(verdict)).toEqual(['UNRESOLVED order P1']);
    expect(planned(verdict)).toEqual([]);
  });

  it('S010 pending update, absent: unresolved', () => {
    const verdict = new World().told(1, { status: 'PendingModify', brokerStatus: 'PendingSubmit' }).runs(3);
    expect(found(verdict)).toEqual(['UNRESOLVED order P1']);
    expect(planned(verdict)).toEqual([]);
  });

  it('S011 price amended in TWS: the book is updated', () => {
    const world = new World().told(1).open(1, { limitPrice: '4990' });
    const verdict = world.run();
    expect(found(verdict)).toEqual(['ORDER_STATUS_MISMATCH order P1']);
    expect(verdict.plan.actions[0]!.changes).toEqual([
      { field: 'limitPrice', before: '5000', after: '4990' },
    ]);
    expect(world.apply(verdict).order('P1').terms).toMatchObject({ limitPrice: '4990', quantity: '5' });
    expect(found(world.later().run())).toEqual([]);
  });

  it.each([
    { what: 'up', quantity: '7', status: 'PartiallyFilled', remaining: '4' },
    { what: 'down, above what is filled', quantity: '4', status: 'PartiallyFilled', remaining: '1' },
    { what: 'down to what is filled', quantity: '3', status: 'Filled', remaining: '0' },
  ])('S012 quantity amended in TWS $what: updated', ({ quantity, status, remaining }) => {
    const world = new World().told(1, { filled: '3' }).toldFill(1, 'e1.01', '3').execution(1, 'e1.01', '3');
    const verdict = world.open(1, { quantity, filled: '3' }).run();
    expect(found(verdict)).toEqual(['ORDER_STATUS_MISMATCH order P1']);
    expect(world.apply(verdict).order('P1')).toMatchObject({
      status,
      remaining,
      filled: '3',
      quarantined: [],
    });
  });

  it('S012 quantity amended below what is filled: the update is refused, and a person is told', () => {
    const world = new World().told(1, { filled: '3' }).toldFill(1, 'e1.01', '3').execution(1, 'e1.01', '3');
    const verdict = world.open(1, { quantity: '2', filled: '3' }).run();
    expect(found(verdict)).toEqual(['ORDER_STATUS_MISMATCH order P1']);
    expect(verdict.discrepancies[0]!.message).toContain('no such change can be');
    expect(planned(verdict)).toEqual([]);
  });

  it('S013 same status, filled 3 in the book and 5 at the broker: the missing executions are fetched', () => {
    const world = new World().told(1, { quantity: '9', filled: '3' }).toldFill(1, 'e1.01', '3');
    world.execution(1, 'e1.01', '3').execution(1, 'e2.01', '2', { cumulative: '5', price: '5010' });
    const verdict = world.open(1, { quantity: '9', filled: '5' }).run();
    expect(found(verdict)).toEqual(['MISSING_FILL order P1']);
    expect(verdict.discrepancies[0]!.evidence).toEqual(['e2.01']);
    expect(world.apply(verdict).order('P1')).toMatchObject({
      status: 'PartiallyFilled',
      filled: '5',
      averagePrice: '5004',
      missing: '0',
    });
  });

  it('S014 the same orderId of two clients is two orders', () => {
    const world = new World().told(1, { orderId: 13, clientId: 7 });
    world.open(1, { orderId: 13, clientId: 7 }).open(2, { orderId: 13, clientId: 8 });
    const verdict = world.run();
    expect(planned(verdict)).toEqual(['to_insert order P2']);
    world.apply(verdict);
    expect([world.order('P1').clientId, world.order('P2').clientId]).toEqual([7, 8]);
  });

  it.each([0, -4])('S015 manual order of TWS with the order id %d: external, under its permId', (orderId) => {
    const world = new World().open(5, { orderId, clientId: 0, orderRef: '' });
    const verdict = world.run();
    expect(verdict.discrepancies).toMatchObject([
      { type: 'UNKNOWN_ORDER', severity: 'MEDIUM', subject: 'order P5' },
    ]);
    expect(world.apply(verdict).order('P5')).toMatchObject({ origin: 'manual', permId: 5, orderId });
    expect(found(world.later().run())).toEqual([]);
  });

  it('S016 a permId that was 0 and is assigned: the order keeps its key, no duplicate', () => {
    const world = new World().told(0, { key: 'intent-1', orderId: 13, orderRef: 'ours-1' });
    const verdict = world.open(77, { orderId: 13, orderRef: 'ours-1' }).run();
    expect(planned(verdict)).toEqual(['to_update order intent-1']);
    world.apply(verdict);
    expect(world.order('intent-1')).toMatchObject({ permId: 77, orderKey: 'intent-1' });
    expect(world.items.get('perm 77')?.body).toEqual({ orderKey: 'intent-1', permId: 77 });
    expect(world.items.has('order P77')).toBe(false);
    expect(found(world.later().run())).toEqual([]);
  });

  it('S016 an order that IB has not numbered yet is given time', () => {
    const verdict = new World().open(0, { orderId: 14 }).run();
    expect(verdict.pending).toMatchObject([{ subject: 'order 7#14' }]);
    expect(planned(verdict)).toEqual([]);
  });

  it.each(['', 'ours-1 (TWS)'])('S017 orderRef "%s" at the broker: the permId matches', (orderRef) => {
    const world = new World().told(1, { orderRef: 'ours-1' }).open(1, { orderRef });
    expect(found(world.run())).toEqual([]);
  });

  it('S018 an order reported twice in one snapshot: the most advanced counts', () => {
    for (const order of [0, 1]) {
      const world = new World().told(1, { status: 'PreSubmitted' });
      world.open(1, { status: 'PreSubmitted' }).open(1, { status: 'Submitted' });
      if (order === 1) world.rows.openOrders.reverse();
      const verdict = world.run();
      expect(world.apply(verdict).order('P1').status).toBe('Submitted');
      expect(planned(world.later().run())).toEqual([]);
    }
  });

  it('S019 two orders of the book fit one of the broker: AMBIGUOUS, and nothing is done about them', () => {
    const world = new World();
    world
      .told(0, { key: 'intent-1', orderId: 0, orderRef: '' })
      .told(0, { key: 'intent-2', orderId: 0, orderRef: '' });
    const verdict = world.open(9, { orderRef: '' }).runs(4);
    expect(verdict.discrepancies).toMatchObject([{ type: 'AMBIGUOUS_MATCH', severity: 'HIGH' }]);
    expect(verdict.plan.ambiguous).toMatchObject([{ book: ['intent-1', 'intent-2'], broker: ['9'] }]);
    expect(planned(verdict)).toEqual([]);
    expect(verdict.pending).toEqual([]);
  });

  it('S019 a signature has no edge of a bucket: nine seconds are one order, eleven are two', () => {
    const placedMs = openMs + 9_999;
    for (const [afterMs, actions] of [
      [9_000, ['to_update order intent-1']],
      [11_000, ['to_insert order P9']],
    ] as const) {
      const world = new World().told(0, { key: 'intent-1', orderId: 0, orderRef: '', changedAtMs: placedMs });
      world.open(9, { orderRef: '' }).execution(9, 'e1.01', '1', { orderRef: '', atMs: placedMs + afterMs });
      expect(planned(world.run())).toEqual(actions);
    }
  });

  it('S020 one order of the book fits two of the broker: AMBIGUOUS', () => {
    const world = new World().told(0, { key: 'intent-1', orderId: 0, orderRef: 'ours-1' });
    world.open(8, { orderRef: 'ours-1' }).open(9, { orderRef: 'ours-1' });
    const verdict = world.run();
    expect(found(verdict)).toEqual(['AMBIGUOUS_MATCH order intent-1']);
    expect(verdict.ambiguous).toMatchObject([{ book: ['intent-1'], broker: ['8', '9'] }]);
    expect(planned(verdict)).toEqual([]);
  });

  it('S021 bracket with its parent filled and its children working: the relation is rebuilt', () => {
    const stop = {
      side: 'SELL' as const,
      terms: { orderType: 'STP', stopPrice: '4900', parentId: 1, ocaGroup: 'g' },
    };
    const profit = { side: 'SELL' as const, terms: { parentId: 1, ocaGroup: 'g' } };
    const world = new World().execution(1, 'e1.01', '5').completed(1, 'Filled Size: 5');
    world.open(2, stop).open(3, profit).bothPosition('5');
    const verdict = world.run();
    expect(planned(verdict)).toEqual(['to_insert order P1', 'to_insert order P2', 'to_insert order P3']);
    world.apply(verdict);
    expect(world.order('P1').status).toBe('Filled');
    for (const key of ['P2', 'P3'])
      expect(world.order(key).terms).toMatchObject({ parentKey: 'P1', ocaGroup: 'g' });
    expect(found(world.later().run())).toEqual([]);
  });

  it('S022 the stop of a bracket is missing while the position is open: CRITICAL', () => {
    const stop = { side: 'SELL' as const, terms: { orderType: 'STP', stopPrice: '4900', parentId: 1 } };
    const world = new World()
      .bothPosition('5')
      .told(1, { status: 'Filled', filled: '5' })
      .toldFill(1, 'e1.01', '5');
    world.execution(1, 'e1.01', '5').completed(1, 'Filled Size: 5');
    const verdict = world.told(2, stop).runs(3);
    expect(verdict.discrepancies).toContainEqual(
      expect.objectContaining({
        type: 'UNPROTECTED_POSITION',
        severity: 'CRITICAL',
        subject: `position ${es.conId}`,
      }),
    );
    expect(found(verdict)).toContain('UNRESOLVED order P2');
  });

  it('S023 parent cancelled, child still working: its cancel is staged, never automatic', async () => {
    const { policyApproves } = await import('../../lib/domain/reconcile/plan.ts');
    const child = { side: 'SELL' as const, terms: { parentId: 1, parentKey: 'P1' } };
    const world = new World()
      .told(1, { status: 'Cancelled' })
      .completed(1, 'Cancelled by Trader')
      .both(2, child);
    const verdict = world.run();
    expect(found(verdict)).toEqual(['ORDER_STATUS_MISMATCH orphan P2']);
    expect(verdict.plan.actions).toMatchObject([
      { kind: 'cancel', writes: [], cancel: { permId: 2, clientId: 7, orderId: 2 } },
    ]);
    expect(verdict.plan.rests.map(({ ref }) => ref.id)).toEqual(['P1', 'P2']);
    const rules = { ...world.rules, mode: 'auto_sync' as const };
    expect(policyApproves(verdict.plan, world.picture, rules)).toBe(false);
  });

  it('S023 a child whose parent has a fill protects it, and stays', () => {
    const child = {
      side: 'SELL' as const,
      terms: { parentId: 1, parentKey: 'P1', orderType: 'STP', stopPrice: '4900' },
    };
    const world = new World()
      .told(1, { status: 'Cancelled', filled: '5', quantity: '9' })
      .toldFill(1, 'e1.01', '5');
    world.execution(1, 'e1.01', '5').completed(1, 'Cancelled by Trader', { filled: '5' });
    expect(found(world.both(2, child).bothPosition('5').run())).toEqual([]);
  });

  it('S024 order of another API client: seen and recorded, never cancelled by us', () => {
    const child = { side: 'SELL' as const, clientId: 99, terms: { parentId: 1 } };
    const world = new World()
      .told(1, { status: 'Cancelled', clientId: 99 })
      .completed(1, 'Cancelled by Trader');
    const verdict = world.open(2, child).run();
    expect(found(verdict)).toEqual(['ORDER_STATUS_MISMATCH orphan P2', 'UNKNOWN_ORDER order P2']);
    expect(planned(verdict)).toEqual(['to_insert order P2']);
    expect(verdict.discrepancies[1]).toMatchObject({
      severity: 'MEDIUM',
      message: expect.stringContaining('API client 99'),
    });
  });

  it('S025 untransmitted order in the book only: dropped once it stays absent, softly', () => {
    const world = new World().told(1, { status: 'ApiPending' });
    expect(planned(world.runs(2))).toEqual([]);
    const verdict = world.later().run();
    expect(planned(verdict)).toEqual(['to_delete order P1']);
    expect(verdict.plan.actions[0]!.writes.every(({ body }) => body !== null)).toBe(true);
    expect(world.apply(verdict).order('P1')).toMatchObject({ status: 'ApiCancelled', filled: '0' });
    expect(planned(world.later().run())).toEqual([]);
  });

  it('S026 an order with a warning (399) or a validation error is still live', () => {
    const reason = { code: 399, message: 'will not be placed until the exchange opens' };
    const world = new World().told(1, { status: 'PreSubmitted', reason });
    const verdict = world.open(1, { status: 'PreSubmitted', warning: 'ValidationError' }).run();
    expect(found(verdict)).toEqual([]);
    expect(world.order('P1')).toMatchObject({ status: 'PreSubmitted', working: true });
  });

  it('S027 GTC order that IB cancelled at its expiry: Expired', () => {
    const world = new World().told(1, { terms: { timeInForce: 'GTC' } });
    const verdict = world.completed(1, 'Cancelled by System: Order expired').run();
    expect(world.apply(verdict).order('P1').status).toBe('Expired');
  });

  it('S028 completed order of yesterday: not brought back to life', () => {
    const yesterday = openMs - 24 * 60 * minute;
    const world = new World().told(1, { status: 'Cancelled', changedAtMs: yesterday });
    world
      .completed(1, 'Cancelled by Trader', { atMs: yesterday })
      .completed(2, 'Filled Size: 5', { atMs: yesterday });
    const verdict = world.run();
    expect(found(verdict)).toEqual([]);
    expect(planned(verdict)).toEqual([]);
    expect(world.order('P1').status).toBe('Cancelled');
  });

  it('S028 what the book has ended and the broker still works is never revived: a person is told', () => {
    const world = new World().told(1, { status: 'Cancelled' }).open(1);
    expect(world.runs(2).pending).toMatchObject([{ subject: 'order P1', runs: 2 }]);
    const verdict = world.later().run();
    expect(found(verdict)).toEqual(['ORDER_STATUS_MISMATCH order P1']);
    expect(planned(verdict)).toEqual([]);
  });

  it('S029 order for an unknown instrument: deferred, and taken once its contract is known', () => {
    const unknown = { ...es, conId: 0, localSymbol: 'NEW1' };
    const world = new World().open(1, { contract: unknown });
    const first = world.run();
    expect(first.pending).toMatchObject([{ subject: 'order P1', why: expect.stringContaining('NEW1') }]);
    expect(planned(first)).toEqual([]);
    expect(planned(world.askedAgain().open(1).run())).toEqual(['to_insert order P1']);
  });

  it('S030 ignored orders are neither adopted nor missed', () => {
    const world = new World()
      .ruled({ ignoredOrders: ['P1', '2'] })
      .told(1)
      .open(2);
    const verdict = world.runs(4);
    expect(verdict).toMatchObject({ discrepancies: [], pending: [], queries: [] });
    expect(planned(verdict)).toEqual([]);
  });
});

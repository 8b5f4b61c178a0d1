/** C5, the rules of runs that follow each other: quiet, patience, escalation, turns. */
import { describe, expect, it } from 'vitest';
import { found, planned, World } from '../helpers/reconcile-world.ts';
import { es } from '../unit/orders/order-harness.ts';

const sell = { side: 'SELL' as const, terms: { orderType: 'STP', stopPrice: '4900' } };

describe('C5 continuous', () => {
  it('S091 submitted without an acknowledgement: asked for in every run, by permId and reference, then a verdict', () => {
    const world = new World()
      .ruled({ absentRuns: 5, escalateAfterRuns: 9 })
      .told(1, { status: 'PendingSubmit' });
    for (const runs of [1, 2, 3, 4]) {
      const waiting = world.later().run();
      expect(waiting.pending).toMatchObject([{ subject: 'order P1', runs }]);
      expect(waiting.queries).toEqual([{ orderKey: 'P1', permId: 1, orderRef: 'ref-1' }]);
    }
    expect(found(world.later().run())).toEqual(['UNRESOLVED order P1']);
  });

  it('S091 an acknowledgement that comes in the lists is the verdict', () => {
    const world = new World().told(1, { status: 'PendingSubmit' });
    world.runs(2);
    const verdict = world.askedAgain().open(1).run();
    expect(found(verdict)).toEqual(['ORDER_STATUS_MISMATCH order P1']);
    expect(world.apply(verdict).order('P1').status).toBe('Submitted');
  });

  it.each([
    { agoMs: 4_999, says: [] },
    { agoMs: 5_000, says: ['ORDER_STATUS_MISMATCH order P1'] },
  ])('S092 an order that changed $agoMs ms before the first question (quiet 5 s)', ({ agoMs, says }) => {
    const world = new World();
    world
      .told(1, { changedAtMs: world.marketMs - world.snapshotTookMs - agoMs })
      .open(1, { limitPrice: '4990' });
    const verdict = world.run();
    expect(found(verdict)).toEqual(says);
    expect(planned(verdict)).toHaveLength(says.length);
    expect(verdict.pending).toHaveLength(1 - says.length);
  });

  it('S092 when nothing says when the order changed, it is judged if it differs twice', () => {
    const world = new World().told(1, { changedAtMs: null }).open(1, { limitPrice: '4990' });
    const first = world.run();
    expect([found(first), planned(first)]).toEqual([[], []]);
    expect(planned(world.later().run())).toEqual(['to_update order P1']);
    // What an earlier streamer told is older than the snapshot.
    const restarted = new World().told(1, { changedAtMs: null }).open(1, { limitPrice: '4990' });
    restarted.epoch = 2;
    expect(planned(restarted.run())).toEqual(['to_update order P1']);
  });

  it('S093 an order that is found clears its count', () => {
    const world = new World().told(1);
    expect(world.runs(2).memory.absent).toEqual({ 'order P1': 2 });
    expect(world.askedAgain().open(1).run().memory.absent).toEqual({});
    expect(world.askedAgain().run().pending).toMatchObject([{ subject: 'order P1', runs: 1 }]);
  });

  it('S094 a position that matches clears its count', () => {
    const subject = `position ${es.conId}`;
    const world = new World().toldPosition('2').both(9, sell);
    expect(world.runs(2).memory.absent).toEqual({ [subject]: 2 });
    world.askedAgain().position('2').open(9, sell);
    expect(world.run().memory.absent).toEqual({});
    expect(world.askedAgain().open(9, sell).run().memory.absent).toEqual({ [subject]: 1 });
  });

  it('S095 a discrepancy that persists for 3 runs is escalated, and no more is done until it is acknowledged', () => {
    const world = new World().told(1).open(1, { limitPrice: '4990' });
    const first = world.run();
    expect(first.opened).toEqual(['ORDER_STATUS_MISMATCH:order P1']);
    expect(planned(world.later().run())).toHaveLength(1);
    const third = world.later().run();
    expect(third.escalated).toEqual(['ORDER_STATUS_MISMATCH:order P1']);
    expect(planned(third)).toEqual([]);
    expect(found(third)).toHaveLength(1);
    const fourth = world.later().run();
    expect([fourth.opened, fourth.escalated, planned(fourth)]).toEqual([[], [], []]);
    world.memory = {
      ...world.memory,
      noted: world.memory.noted.map((one) => ({ ...one, state: 'acknowledged' as const })),
    };
    expect(planned(world.later().run())).toEqual(['to_update order P1']);
    expect(world.memory.noted).toMatchObject([{ state: 'acknowledged', runs: 5 }]);
  });

  it('S095 an UNRESOLVED order is not asked for any more once it is escalated', () => {
    const world = new World().told(1);
    expect(world.runs(4).queries).toHaveLength(1);
    expect(world.later().run().queries).toEqual([]);
  });

  it('S096 each order has patience of its own', () => {
    const world = new World().told(1);
    world.run();
    const verdict = world.later().told(2).runs(2);
    expect(found(verdict)).toEqual(['UNRESOLVED order P1']);
    expect(verdict.memory.absent).toEqual({ 'order P1': 3, 'order P2': 2 });
  });

  it('S097 a few are asked for by name in one run, the others in turn', () => {
    const world = new World().ruled({ queriesPerRun: 2, absentRuns: 99 });
    for (const permId of [1, 2, 3, 4, 5]) world.told(permId);
    const turns = [1, 2, 3].map(() =>
      world
        .later()
        .run()
        .queries.map(({ orderKey }) => orderKey),
    );
    expect(turns).toEqual([
      ['P1', 'P2'],
      ['P3', 'P4'],
      ['P5', 'P1'],
    ]);
  });

  it('S098 what cannot be judged does not keep the rest from being judged', () => {
    const world = new World().told(1).told(2).open(1, { quantity: 'many' }).open(2, { limitPrice: '4990' });
    world.bothPosition('1').position('much', '5', { ...es, conId: 7 });
    const verdict = world.run();
    expect(planned(verdict)).toEqual(['to_update order P2']);
    expect(verdict.unjudged).toContainEqual(expect.stringMatching(/^order P1: .*DecimalError/));
    expect(verdict.pending).toContainEqual(expect.objectContaining({ subject: 'order P1' }));
  });

  it('S099 once a drift is cured the same run again does nothing, and the discrepancy is resolved', () => {
    const world = new World().told(1).open(1, { limitPrice: '4990' });
    const verdict = world.run();
    const again = world.apply(verdict).run();
    expect(again).toMatchObject({
      discrepancies: [],
      resolved: ['ORDER_STATUS_MISMATCH:order P1'],
      opened: [],
    });
    expect(planned(again)).toEqual([]);
    const third = world.run();
    expect([third.memory.noted, third.resolved]).toEqual([[], []]);
  });

  it('a failed list resolves no discrepancy that it could have shown', () => {
    const world = new World().told(1).open(1, { limitPrice: '4990' });
    world.run();
    const verdict = world.outcome('openOrders', 'failed').run();
    expect(verdict.resolved).toEqual([]);
    expect(verdict.memory.noted).toMatchObject([{ id: 'ORDER_STATUS_MISMATCH:order P1', runs: 1 }]);
  });

  it.each([
    ['no snapshot', (world: World) => world.withoutSnapshot()],
    ['an old snapshot', (world: World) => Object.assign(world, { snapshotAgeMs: 60_001 })],
  ])('%s is STALE_DATA alone, and forgets nothing', (_what, make) => {
    const world = new World().told(1).told(2).open(1, { limitPrice: '4990' }).toldPosition('2');
    const before = world.run();
    const verdict = make(world).run();
    expect(verdict.discrepancies).toMatchObject([
      { type: 'STALE_DATA', severity: 'HIGH', subject: 'snapshot' },
    ]);
    expect([planned(verdict), verdict.pending, verdict.resolved]).toEqual([[], [], []]);
    expect(verdict.memory.absent).toEqual(before.memory.absent);
  });
});

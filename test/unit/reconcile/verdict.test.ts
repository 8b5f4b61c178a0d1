/** What a verdict adds up to: what counts as resolved, what a plan rests on, and what is said of what failed. */
import { describe, expect, it } from 'vitest';
import { found, planned, World } from '../../helpers/reconcile-world.ts';
import { es, openMs } from '../orders/order-harness.ts';

const ES = `position ${es.conId}`;
const second = 1_000;

describe('a discrepancy is resolved only by a look at what it is about', () => {
  it('a stale snapshot by any snapshot that came, whole or not', () => {
    const world = new World().withoutSnapshot();
    expect(found(world.run())).toEqual(['STALE_DATA snapshot']);
    world.hasSnapshot = true;
    expect(world.outcome('openOrders', 'failed').run().resolved).toEqual(['STALE_DATA:snapshot']);
  });

  it.each(['positions', 'openOrders'] as const)('a bare position not while %s are missing', (part) => {
    const world = new World().bothPosition('2');
    expect(found(world.run())).toEqual([`UNPROTECTED_POSITION ${ES}`]);
    const partial = world.outcome(part, 'partial').run();
    expect(partial.resolved).toEqual([]);
    world.outcome(part, 'ok').open(5, { side: 'SELL', terms: { orderType: 'STP', stopPrice: '4900' } });
    expect(world.run().resolved).toEqual([`UNPROTECTED_POSITION:${ES}`]);
  });

  it('cash not while the account is not listed', () => {
    const world = new World().toldCash('100').cash('500').toldCash('1', 'EUR').cash('1', 'EUR');
    expect(found(world.runs(2))).toEqual(['CASH_MISMATCH cash USD']);
    expect(world.outcome('accountValues', 'failed').run().resolved).toEqual([]);
    world.outcome('accountValues', 'ok').rows.accountValues = [];
    world.cash('100').cash('1', 'EUR');
    expect(world.run().resolved).toEqual(['CASH_MISMATCH:cash USD']);
  });
});

describe('what a plan rests on', () => {
  const child = { parentId: 1, parentKey: 'P1' };

  it('is each item beside its own writes, sorted: the children of a parent that is found cancelled', () => {
    const world = new World().told(1).told(3, { terms: child }).told(2, { terms: child });
    world.completed(1, 'Cancelled by Trader');
    world.open(3, { terms: { parentId: 1 } }).open(2, { terms: { parentId: 1 } });
    const { plan } = world.run();
    expect(plan.actions.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
      'cancel orphan P2',
      'cancel orphan P3',
      'to_update order P1',
    ]);
    // Two writes on one item cannot be: the parent is written, so its version is checked there.
    expect(plan.rests.map(({ ref }) => ref.id)).toEqual(['P2', 'P3']);
  });

  it('is sorted by item where nothing of it is written', () => {
    const world = new World().told(9, { status: 'Cancelled' });
    const words = { parentId: 9, parentKey: 'P9' };
    for (const permId of [3, 1, 2]) {
      world.told(permId, { terms: words }).open(permId, { terms: { parentId: 9 } });
    }
    expect(world.run().plan.rests.map(({ ref }) => ref.id)).toEqual(['P1', 'P2', 'P3', 'P9']);
  });

  it('is nothing where no order is cancelled: it only writes, or the orphan is a stranger’s', () => {
    const world = new World().told(1).open(1, { limitPrice: '4990' });
    expect(world.run().plan).toMatchObject({ rests: [] });
    const stranger = new World().told(9, { status: 'Cancelled' });
    stranger.told(2, { clientId: 9, terms: { parentId: 9, parentKey: 'P9' } });
    stranger
      .open(2, { clientId: 9, terms: { parentId: 9 } })
      .told(1)
      .open(1, { limitPrice: '4990' });
    const { plan, discrepancies } = stranger.run();
    const orphan = discrepancies.find(({ subject }) => subject === 'orphan P2');
    expect(orphan?.message).toContain('It is not of our client, so it cannot be cancelled here');
    expect(plan.actions.map(({ kind }) => kind)).toEqual(['to_update']);
    expect(plan.rests).toEqual([]);
  });
});

describe('an orphan', () => {
  const orphan = (orderId: number) => {
    const world = new World().ruled({ ownClientIds: [0, 7] }).told(9, { status: 'Cancelled' });
    world
      .told(2, { orderId, terms: { parentId: 9, parentKey: 'P9' } })
      .open(2, { orderId, terms: { parentId: 9 } });
    const verdict = world.run();
    const { message } = verdict.discrepancies.find(({ subject }) => subject === 'orphan P2')!;
    return { message, summaries: verdict.plan.actions.map(({ summary }) => summary) };
  };

  it('of ours is cancelled, and says so', () => {
    const { message, summaries } = orphan(2);
    expect(message).toMatch(/ The plan cancels it\.$/);
    expect(summaries).toEqual(['cancel P2, whose parent P9 is Cancelled']);
  });

  it('whose position went to the other side is named with what the broker has', () => {
    const world = new World().told(9, { status: 'Filled', filled: '5' }).toldFill(9, 'a.01', '5');
    world.execution(9, 'a.01', '5').bothPosition('-1');
    const stop = { orderType: 'STP', stopPrice: '4900', limitPrice: null, parentId: 9 };
    world
      .told(2, { side: 'SELL', terms: { ...stop, parentKey: 'P9' } })
      .open(2, { side: 'SELL', terms: stop });
    const { discrepancies, plan } = world.run();
    const gone = discrepancies.find(({ subject }) => subject === 'orphan P2');
    expect(gone?.message).toContain(
      `the position ${es.conId} that it was to close is gone (the broker has -1)`,
    );
    expect(plan.actions.find(({ kind }) => kind === 'cancel')?.summary).toBe(
      'cancel P2, child of P9, whose position is gone (position -1)',
    );
  });

  it('that was typed into TWS has no id to cancel it by', () => {
    const { message, summaries } = orphan(0);
    expect(message).toMatch(/ cancel it in TWS\.$/);
    expect(summaries).toEqual([]);
  });
});

describe('what is said of a snapshot', () => {
  it('that is too old is its age, and the broker counts as nothing', () => {
    const world = new World().bothPosition('2');
    world.snapshotAgeMs = 600 * second;
    const verdict = world.run();
    expect(verdict.unjudged).toEqual(['everything: the snapshot is 600 s old']);
    expect(verdict.counts).toEqual({ broker: 0, book: 1 });
    world.snapshotAgeMs = 1_200 * second;
    expect(world.run().unjudged).toEqual(['everything: the snapshot is 1200 s old']);
  });
});

describe('what could not be judged', () => {
  it('says why in the words of the error', () => {
    const world = new World()
      .ruled({ noStopNeeded: ['FUT'] })
      .toldPosition('3')
      .position('four')
      .bothCash('1');
    expect(world.run().unjudged).toEqual(['positions: [DecimalError] Invalid argument: four']);
    const order = new World()
      .bothCash('1')
      .told(1)
      .open(1, { quantity: 'five' })
      .told(2)
      .open(2, { limitPrice: '4990' });
    const verdict = order.run();
    expect(verdict.unjudged).toEqual(['order P1: [DecimalError] Invalid argument: five']);
    expect(verdict.pending).toEqual([
      {
        subject: 'order P1',
        why: 'it could not be judged: [DecimalError] Invalid argument: five',
        runs: 1,
      },
    ]);
    expect(planned(verdict)).toEqual(['to_update order P2']);
  });
});

describe('the edge of the window of executions', () => {
  const sinceMs = new World().rules.executionsSinceMs;

  it('an order that ended in its first moment is looked at, one before it is over', () => {
    const said = 'Cancelled by Trader';
    expect(found(new World().completed(1, said, { atMs: sinceMs }).run())).toEqual([
      'MISSING_FROM_BOOK order P1',
    ]);
    expect(found(new World().completed(1, said, { atMs: sinceMs - 1 }).run())).toEqual([]);
  });

  it('an execution of its first moment must be listed, one before it need not', () => {
    const told = (atMs: number) => {
      const world = new World().ruled({ noStopNeeded: ['FUT'] }).told(1, { status: 'Filled', filled: '5' });
      return world.toldFill(1, 'a.01', '5', { atMs }).bothPosition('5').run();
    };
    expect(told(sinceMs).pending).toEqual([
      { subject: 'fill a.01', why: 'the book has the execution, and the broker does not list it', runs: 1 },
    ]);
    expect(told(sinceMs - 1).pending).toEqual([]);
  });

  it('a part fill in its first moment tells of a cancel, one before it leaves the question open', () => {
    const told = (atMs: number) => {
      const world = new World().ruled({ noStopNeeded: ['FUT'], escalateAfterRuns: 99 });
      world.told(1, { filled: '2', changedAtMs: atMs }).toldFill(1, 'a.01', '2', { atMs });
      world.execution(1, 'a.01', '2', { atMs }).bothPosition('2');
      return found(world.runs(3));
    };
    expect(told(sinceMs)).toEqual(['ORDER_STATUS_MISMATCH order P1']);
    expect(told(sinceMs - 1)).toEqual(['UNRESOLVED order P1']);
  });

  it('an execution that the book was told of just now is not counted as absent yet', () => {
    const world = new World().ruled({ noStopNeeded: ['FUT'] }).told(1, { status: 'Filled', filled: '5' });
    world.toldFill(1, 'a.01', '5', { atMs: world.marketMs - second }).bothPosition('5');
    expect(world.run().memory.absent).toEqual({ 'fill a.01': 0 });
    expect(world.run().pending).toContainEqual(expect.objectContaining({ subject: 'fill a.01', runs: 1 }));
    expect(world.later().run().memory.absent).toEqual({ 'fill a.01': 1 });
    expect(openMs).toBeGreaterThan(sinceMs);
  });
});

describe('the changes of an action', () => {
  it('name costs by currency, sorted', () => {
    const world = new World().told(1, { quantity: '3' }).ruled({ noStopNeeded: ['FUT'] });
    world.toldFill(1, 'a.01', '1').toldCommission(1, 'a.01', '2').execution(1, 'a.01', '1');
    world.execution(1, 'b.01', '1', { cumulative: '2' }).execution(1, 'c.01', '1', { cumulative: '3' });
    world.commission('b.01', '1', 'USD').commission('c.01', '3', 'EUR').open(1, { quantity: '3' });
    const [action] = world.run().plan.actions;
    const costs = action!.changes.filter(({ field }) => field.startsWith('commission'));
    expect(costs.map(({ field, after }) => `${field} ${after}`)).toEqual([
      'commission EUR 3',
      'commission USD 3',
    ]);
  });
});

describe('what two judges say of one subject', () => {
  it('is one discrepancy: the worse of both, with the evidence of both, sorted', () => {
    const world = new World().ruled({ noStopNeeded: ['FUT'], escalateAfterRuns: 99 });
    world.told(1, { filled: '4' }).toldFill(1, 'z.01', '2').bothPosition('2').open(1, { filled: '4' });
    world.execution(1, 'z.01', '2').commission('z.01', '2').outcome('positions', 'failed');
    const of = (all: readonly { id: string }[]) => all.filter(({ id }) => id === 'MISSING_FILL:order P1');
    expect(of(world.run().discrepancies)).toMatchObject([{ severity: 'INFO', evidence: ['z.01'] }]);
    world.memory = { ...world.memory, absent: { 'fills of order P1': 9 } };
    const [both, ...others] = of(world.run().discrepancies);
    expect(others).toEqual([]);
    expect(both).toMatchObject({ severity: 'HIGH', evidence: ['permId 1', 'z.01'] });
  });

  it('is two things to wait for, sorted', () => {
    const world = new World().bothCash('1').toldPosition('2').position('5');
    world.told(7, { changedAtMs: world.marketMs - second }).open(7);
    expect(world.run().pending.map(({ subject, why }) => `${subject}: ${why}`)).toEqual([
      `${ES}: its stops: order P7 has just changed`,
      `${ES}: order P7 has just changed`,
    ]);
  });
});

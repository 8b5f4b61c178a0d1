/** Cases of the engine beside the scenarios: which side of each limit, what fails alone, and what stands still. */
import { describe, expect, it } from 'vitest';
import { commandId } from '../../../lib/domain/reconcile/plan-state.ts';
import { digest, found, minute, planned, World } from '../../helpers/reconcile-world.ts';
import { es, openMs, spy } from '../orders/order-harness.ts';

const ES = `position ${es.conId}`;

function quietWorld(): World {
  return new World().ruled({ noStopNeeded: ['FUT', 'STK'], escalateAfterRuns: 99 });
}

describe('the age of a snapshot', () => {
  it('may be what the rules allow, and no more', () => {
    const world = quietWorld();
    world.snapshotAgeMs = world.rules.snapshotMaxAgeMs;
    expect(found(world.run())).toEqual([]);
    world.snapshotAgeMs += 1_000;
    const stale = world.run();
    expect(found(stale)).toEqual(['STALE_DATA snapshot']);
    expect(stale.discrepancies[0]).toMatchObject({
      broker: 'the snapshot is 61 s old',
      evidence: ['snapshot-1'],
    });
    world.snapshotAgeMs = 1_000;
    expect(world.run().resolved).toEqual(['STALE_DATA:snapshot']);
  });

  it('counts from our own clock before the broker has told its time', () => {
    const world = quietWorld().told(1).open(1, { limitPrice: '4990' });
    Object.defineProperty(world, 'broker', {
      get: () => ({
        ...Object.getOwnPropertyDescriptor(World.prototype, 'broker')!.get!.call(world),
        brokerTimeMs: 0,
      }),
    });
    expect(planned(world.run())).toEqual(['to_update order P1']);
  });
});

describe('a judge that fails', () => {
  it('says nothing, resolves nothing, and its counts stand still', () => {
    const world = quietWorld()
      .toldPosition('2')
      .toldCash('5', 'EUR')
      .bothCash('1')
      .toldPosition('3', '600', spy);
    world.position('4', '600', spy);
    world.runs(2);
    const before = world.memory;
    expect(before.absent).toEqual({ 'cash EUR': 2, [`differing position ${spy.conId}`]: 2, [ES]: 2 });
    world.rows.positions = [];
    world.position('four', '600', spy).told(1).open(1, { limitPrice: '4990' });
    const verdict = world.run();
    expect(verdict.unjudged.map((text) => text.split(':')[0])).toEqual(['positions']);
    expect(verdict.resolved).toEqual([]);
    expect(verdict.memory.absent).toEqual({ ...before.absent, 'cash EUR': 3 });
    // the others go on
    expect(planned(verdict)).toEqual(['to_update cash EUR', 'to_update order P1']);
  });

  it('of cash leaves the positions alone', () => {
    const world = quietWorld().toldPosition('2').toldCash('5', 'EUR').bothCash('1');
    world.runs(2);
    world
      .tell({ kind: 'balance', at: world.stamp(), report: { currency: 'CHF', cash: 'much' } })
      .cash('1', 'CHF');
    const verdict = world.run();
    expect(verdict.memory.absent).toMatchObject({ 'cash EUR': 2 });
    expect(found(verdict)).toEqual([`NAKED_POSITION ${ES}`]);
  });
});

describe('what is counted', () => {
  it('is what was compared: nothing of a list that is not whole', () => {
    const world = quietWorld().both(1).both(2).bothPosition('2').bothPosition('0', '0', spy);
    world.completed(3, 'Cancelled by Trader');
    expect(world.run().counts).toEqual({ broker: 3, book: 3 });
    expect(world.outcome('openOrders', 'failed').run().counts).toEqual({ broker: 1, book: 3 });
    expect(world.outcome('positions', 'partial').run().counts).toEqual({ broker: 0, book: 3 });
  });

  it('of positions alone stands still while they are not listed', () => {
    const world = quietWorld().toldPosition('2').toldCash('5', 'EUR').bothCash('1');
    world.runs(2);
    world.outcome('positions', 'failed').run();
    expect(world.memory.absent).toEqual({ 'cash EUR': 3, [ES]: 2 });
  });
});

describe('the lists of a verdict', () => {
  it('are sorted: opened, escalated, resolved, counts', () => {
    const world = new World().ruled({ noStopNeeded: ['FUT', 'STK'], escalateAfterRuns: 2, absentRuns: 1 });
    world.toldCash('5', 'JPY').toldCash('5', 'EUR').cash('500', 'JPY').cash('500', 'EUR');
    world.toldPosition('2', '600', spy).toldPosition('2');
    world.run();
    const second = world.later().run();
    const ids = ['CASH_MISMATCH:cash EUR', 'CASH_MISMATCH:cash JPY'];
    const naked = [`NAKED_POSITION:${ES}`, `NAKED_POSITION:position ${spy.conId}`];
    expect(second.opened).toEqual(ids);
    expect(second.escalated).toEqual(naked);
    expect(Object.keys(second.memory.absent)).toEqual(Object.keys(second.memory.absent).toSorted());
    world.bothPosition('2', '600', spy).bothPosition('2');
    expect(world.later().run()).toMatchObject({ resolved: naked, escalated: ids });
  });
});

describe('what has just changed', () => {
  it('is given time with the positions of its contract: an order that has just ended', () => {
    const world = quietWorld().told(1).toldPosition('2').position('7');
    world.completed(1, 'Filled Size: 5', { atMs: world.marketMs - 1_000 });
    world.run();
    const verdict = world.run();
    expect(found(verdict)).toEqual([]);
    expect(verdict.pending.map(({ subject }) => subject)).toContain(ES);
    expect(planned(verdict)).toEqual([]);
  });

  it('is given time with its children: a parent that has just been cancelled', () => {
    const child = { terms: { parentId: 1 } };
    const world = quietWorld()
      .told(1)
      .told(2, { terms: { parentId: 1, parentKey: 'P1' } });
    world.completed(1, 'Cancelled by Trader', { atMs: world.marketMs - 1_000 }).open(2, child);
    world.told(1, { status: 'Cancelled', changedAtMs: world.marketMs - 1_000 });
    expect(world.run().pending).toContainEqual({
      subject: 'orphan P2',
      why: 'its parent has just ended',
      runs: 1,
    });
    const later = world.later().run();
    expect(planned(later)).toEqual(['cancel orphan P2']);
    expect(later.plan.rests.map(({ ref }) => ref.id)).toEqual(['P1', 'P2']);
  });
});

describe('which order it is', () => {
  it('a pointer counts for more than what an order says of itself', () => {
    const world = quietWorld().told(1, { key: 'intent-1' });
    expect(world.items.get('perm 1')?.body).toMatchObject({ orderKey: 'intent-1' });
    expect(planned(world.open(1, { limitPrice: '4990' }).run())).toEqual(['to_update order intent-1']);
  });

  it('without a pointer the order says it', () => {
    const world = quietWorld().told(1, { key: 'intent-1' });
    world.items.delete('perm 1');
    expect(planned(world.open(1, { limitPrice: '4990' }).run())).toEqual(['to_update order intent-1']);
  });

  it('two orders that are both ambiguous are told apart from two others', () => {
    const world = quietWorld();
    for (const [n, limitPrice] of ['4000', '4000', '4001', '4001'].entries()) {
      world.told(0, { key: `intent-${n}`, orderId: 0, orderRef: '', limitPrice });
    }
    world.open(8, { orderRef: '', limitPrice: '4000' }).open(9, { orderRef: '', limitPrice: '4001' });
    expect(world.run().ambiguous.map(({ subject, book, broker }) => [subject, book, broker])).toEqual([
      ['order intent-0', ['intent-0', 'intent-1'], ['8']],
      ['order intent-2', ['intent-2', 'intent-3'], ['9']],
    ]);
  });

  it('executions that name no order stay with the one that the book has put them in', () => {
    const world = quietWorld().toldFill(0, 'e1.01', '1', { key: 'Ee1', orderId: 0, orderRef: '' });
    world.execution(0, 'e1.01', '1', { orderId: 0, orderRef: '' }).commission('e1.01', '2.25');
    expect(planned(world.run())).toEqual(['to_update order Ee1']);
  });
});

describe('words that a person acts upon', () => {
  it('say whether an unknown order is ours, and whether it works', () => {
    const messageOf = (world: World) =>
      world.run().discrepancies.map(({ type, message }) => `${type} ${message}`);
    expect(messageOf(quietWorld().open(1))[0]).toMatch(/^MISSING_FROM_BOOK .* works at the broker/);
    expect(messageOf(quietWorld().open(1, { clientId: 9 }))[0]).toMatch(/^UNKNOWN_ORDER .* API client 9/);
    expect(messageOf(quietWorld().open(1, { orderId: 0 }))[0]).toMatch(/^UNKNOWN_ORDER .* somebody in TWS/);
    expect(messageOf(quietWorld().completed(1, 'Cancelled by Trader'))[0]).toMatch(
      /^MISSING_FROM_BOOK .* has ended/,
    );
  });

  it('of an action name the average price only where there is one', () => {
    const world = quietWorld()
      .told(1)
      .told(2)
      .completed(1, 'Cancelled by Trader')
      .execution(2, 'e2.01', '5')
      .open(2);
    expect(world.run().plan.actions.map(({ summary }) => summary)).toEqual([
      'Submitted -> Cancelled, 0 of 5',
      'Submitted -> Filled, 5 of 5 at 5000',
    ]);
  });
});

describe('cash', () => {
  it('that executions move beside the variation is explained by both together', () => {
    const shares = { contract: spy, price: '600', atMs: openMs + minute };
    const world = quietWorld().toldPosition('1').position('1').toldCash('100000');
    world.execution(1, 'e1.01', '10', shares).cash('94500').position('10', '600', spy);
    const { discrepancies, pending } = world.runs(2);
    expect(discrepancies.filter(({ subject }) => subject.startsWith('cash'))).toEqual([]);
    expect(pending).toContainEqual(expect.objectContaining({ subject: 'cash USD' }));
  });

  it('of a currency that was bought comes in, and what was paid for it goes out', () => {
    const contract = { ...spy, conId: 12087792, symbol: 'EUR', secType: 'CASH', localSymbol: 'EUR.USD' };
    const world = quietWorld().toldCash('100000').toldCash('0', 'EUR');
    world.execution(1, 'e1.01', '1000', { contract, price: '1.1' }).commission('e1.01', '2', 'USD');
    world.cash('98898').cash('1000', 'EUR').position('1000', '1.1', contract);
    const messages = world.runs(2).discrepancies.filter(({ subject }) => subject.startsWith('cash'));
    expect(messages.map(({ subject, message }) => [subject, message])).toEqual([
      ['cash EUR', 'The executions that the book lacks explain it.'],
      ['cash USD', 'The executions that the book lacks explain it.'],
    ]);
  });
});

describe('the id of a command', () => {
  it('is a UUID of the plan and its action alone', () => {
    const uuid = commandId('a'.repeat(64), 'cancel:P1', digest);
    const hex = digest(['plan command', 'a'.repeat(64), 'cancel:P1']);
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuid.slice(0, 13)).toBe(`${hex.slice(0, 8)}-${hex.slice(8, 12)}`);
    expect(uuid.slice(-12)).toBe(hex.slice(20, 32));
    const variants = ['0', '4', '8', 'c', 'f'].map(
      (digit) => commandId('h', 'a', () => `${'0'.repeat(16)}${digit}${'0'.repeat(47)}`)[19],
    );
    expect(variants).toEqual(['8', '8', '8', '8', 'b']);
  });
});

/** A synthetic fill of an order of its own, and the real execution that comes after all, under another order. */
import { describe, expect, it } from 'vitest';
import { netPositions } from '../../../lib/domain/orders/net-positions.ts';
import { account, found, planned, World } from '../../helpers/reconcile-world.ts';
import { calendarSpread, es, openMs } from '../orders/order-harness.ts';

const ES = `position ${es.conId}`;

const quiet = () => new World().ruled({ noStopNeeded: ['FUT'], escalateAfterRuns: 99 });

/** The broker has three more than the book, and no execution tells why: a synthetic fill stands in. */
function adopted(known = '2'): World {
  const world = quiet();
  world
    .toldPosition(known)
    .toldFill(1, 'old.01', known, { atMs: openMs })
    .execution(1, 'old.01', known, { atMs: openMs });
  const size = String(Number(known) + 3);
  world.position(size);
  world.epoch = 2;
  world.apply(world.runs(2));
  expect(ledger(world)).toBe(size);
  return world.later();
}

/** Broker and book agree about the size, whatever the fills add up to. */
function holds(world: World, size: string): void {
  world.rows.positions = [];
  world.position(size).toldPosition(size);
  world.later();
}

/** What a run takes back of each synthetic fill, sorted; it is carried out. */
function takenBack(world: World): string[] {
  const verdict = world.runs(3);
  const taken = verdict.discrepancies.filter(({ subject }) => subject.startsWith('order S'));
  world.apply(verdict);
  return taken.map(({ message }) => /: (\S+) of the synthetic fill/.exec(message)?.[1] ?? message).sort();
}

/** What counts of each synthetic fill, in the order in which they were made. */
function synthetic(world: World): string[] {
  const orders = [...world.picture.orders].filter(([key]) => /^S\d/.test(key));
  return orders.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { body }]) => body.filled);
}

function ledger(world: World): string {
  const orders = [...world.picture.orders.values()].map(({ body }) => ({ account, state: body.state }));
  return netPositions(orders).find(({ conId }) => conId === es.conId)?.position ?? '0';
}

describe('a synthetic fill whose real execution comes later under another order', () => {
  it('is replaced, not added: as a whole', () => {
    const world = adopted().execution(17, 'late.01', '3', { atMs: openMs });
    const verdict = world.run();
    expect(found(verdict).filter((text) => text.includes('order S'))).toHaveLength(1);
    world.apply(verdict);
    expect(ledger(world)).toBe('5');
    expect(planned(world.later().run())).toEqual([]);
    expect(world.run().discrepancies).toEqual([]);
  });

  it('is replaced in parts, by what the streamer tells as well', () => {
    const world = adopted().toldFill(17, 'late.01', '1', { atMs: openMs });
    world.execution(17, 'late.01', '1', { atMs: openMs });
    world.apply(world.run());
    expect(ledger(world)).toBe('5');
    world.later().execution(17, 'more.01', '2', { atMs: openMs });
    world.apply(world.run());
    expect(ledger(world)).toBe('5');
    expect(world.later().run().discrepancies).toEqual([]);
  });

  it('stays where another trade explains the difference: a sale that is not told yet', () => {
    const world = adopted();
    world.rows.positions = [];
    world.position('4').toldPosition('4');
    expect(planned(world.runs(3)).filter((text) => text.includes('order S'))).toEqual([]);
  });

  it('stays while the list of executions is not whole, and while the position differs', () => {
    const world = adopted().toldFill(17, 'late.01', '3', { atMs: openMs }).outcome('executions', 'partial');
    expect(planned(world.runs(2))).toEqual([]);
    world.outcome('executions', 'ok').execution(17, 'late.01', '3', { atMs: openMs }).toldPosition('6');
    expect(planned(world.run()).filter((text) => text.includes('order S'))).toEqual([]);
    expect(found(world.run()).filter((text) => text.includes(ES))).not.toEqual([]);
  });

  it('is replaced by the leg of a combination too', () => {
    const world = quiet().position('3');
    world.apply(world.run());
    expect(ledger(world)).toBe('3');
    world.later().open(17, { contract: calendarSpread }).execution(17, 'late.01', '3', { atMs: openMs });
    world.apply(world.run());
    expect(ledger(world)).toBe('3');
  });

  it('is taken back as far as one of the executions that came says, where the others are trades of their own', () => {
    const world = adopted().toldFill(17, 'late.01', '2', { atMs: openMs });
    world.toldFill(17, 'own.01', '1', { atMs: openMs, cumulative: '3' });
    world.execution(17, 'late.01', '2', { atMs: openMs }).execution(17, 'own.01', '1', { atMs: openMs });
    holds(world, '6');
    expect(takenBack(world)).toEqual(['2']);
    expect(ledger(world)).toBe('6');
  });

  it('stays where a sale says as much, and where nothing that came since does', () => {
    const sold = adopted().toldFill(17, 'sale.01', '3', { side: 'SELL', atMs: openMs });
    sold.execution(17, 'sale.01', '3', { side: 'SELL', atMs: openMs });
    holds(sold, '-1');
    expect(takenBack(sold)).toEqual([]);
    // What the book had before it was made is no late execution.
    const earlier = adopted('3');
    holds(earlier, '3');
    expect(takenBack(earlier)).toEqual([]);
  });

  it('stays where more came than it stands for', () => {
    const world = adopted().toldFill(17, 'late.01', '4', { atMs: openMs });
    world.execution(17, 'late.01', '4', { atMs: openMs });
    expect(takenBack(world)).toEqual([]);
  });

  it('stays while an execution of its contract is in quarantine: the sums say nothing', () => {
    const world = adopted().told(17, { quantity: '3', filled: '3' });
    world.toldFill(17, 'late.01', '3', { atMs: openMs }).toldFill(17, 'more.01', '1', { atMs: openMs + 1 });
    world.execution(17, 'late.01', '3', { atMs: openMs }).execution(17, 'more.01', '1', { atMs: openMs + 1 });
    expect(world.order('P17')).toMatchObject({ filled: '3', quarantined: ['more.01'] });
    expect(takenBack(world)).toEqual([]);
  });
});

describe('two synthetic fills of one contract', () => {
  /** Three that nobody explains, and in the next epoch two more. */
  function twice(betweenThem: (world: World) => void = () => {}): World {
    const world = adopted();
    world.epoch = 3;
    betweenThem(world);
    world.rows.positions = [];
    world.position(betweenThem.length > 0 ? '10' : '7');
    world.epoch = 4;
    world.apply(world.runs(2));
    world.epoch = 5;
    return world.later();
  }

  it('the latest is taken back first, whatever order they are stored in', () => {
    for (const backwards of [false, true]) {
      const world = twice();
      expect(synthetic(world)).toEqual(['3', '2']);
      world.execution(17, 'late.01', '2', { atMs: openMs });
      if (backwards) {
        const items = [...world.items].reverse();
        world.items.clear();
        for (const [name, item] of items) world.items.set(name, item);
      }
      expect(takenBack(world)).toEqual(['2']);
      expect(synthetic(world)).toEqual(['3', '0']);
      expect(ledger(world)).toBe('7');
    }
  });

  it('are both taken back where the execution that came says more than one of them', () => {
    const world = twice().execution(17, 'late.01', '4', { atMs: openMs });
    expect(takenBack(world)).toEqual(['2', '2']);
    expect(synthetic(world)).toEqual(['1', '0']);
    expect(ledger(world)).toBe('7');
  });

  it('are overtaken by what came after the first of them', () => {
    const world = twice((between) => {
      between.toldFill(17, 'late.01', '3', { atMs: openMs }).execution(17, 'late.01', '3', { atMs: openMs });
      between.toldPosition('8');
    });
    expect(synthetic(world)).toEqual(['3', '2']);
    holds(world, '7');
    expect(takenBack(world)).toEqual(['1', '2']);
    expect(ledger(world)).toBe('7');
  });
});

/** A synthetic fill of an order of its own, and the real execution that comes after all, under another order. */
import { describe, expect, it } from 'vitest';
import { netPositions } from '../../../lib/domain/orders/net-positions.ts';
import { account, found, planned, World } from '../../helpers/reconcile-world.ts';
import { es, openMs } from '../orders/order-harness.ts';

const ES = `position ${es.conId}`;

/** The broker has three more than the book, and no execution tells why: a synthetic fill stands in. */
function adopted(): World {
  const world = new World().ruled({ noStopNeeded: ['FUT'], escalateAfterRuns: 99 });
  world
    .toldPosition('2')
    .toldFill(1, 'old.01', '2', { atMs: openMs })
    .execution(1, 'old.01', '2', { atMs: openMs });
  world.position('5');
  world.apply(world.runs(2));
  expect(ledger(world)).toBe('5');
  return world.later();
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
});

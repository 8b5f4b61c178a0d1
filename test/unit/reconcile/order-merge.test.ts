/** The broker's word over the book's: what is the same at a glance, which of two rows counts, and what remains of the old. */
import { describe, expect, it } from 'vitest';
import { toldReport } from '../../../lib/domain/book/orders.ts';
import type { OrderTerms } from '../../../lib/domain/orders/order-report.ts';
import { differingTerms, mergedReport, saysTheSame } from '../../../lib/domain/reconcile/order-merge.ts';
import { World } from '../../helpers/reconcile-world.ts';
import { limitTerms } from '../orders/order-harness.ts';
import { deskOf, listedOf } from './stages.ts';

/** Most runs find nothing: an order that agrees is not folded to find that out. */
describe('an order that agrees at a glance', () => {
  const agrees = (world: World, key = 'P1') => {
    const { orders } = listedOf(world);
    expect(orders).toHaveLength(1);
    return saysTheSame(world.order(key), orders[0]!);
  };
  const parent = { parentId: 1, parentKey: 'P1' };

  it.each<[string, World]>([
    ['works as it did', new World().both(1)],
    ['works as it did, by its status too', new World().told(1).open(1, { filled: '0' })],
    [
      'is filled as far as the book knows',
      new World().told(1, { filled: '2' }).open(1).execution(1, 'a.01', '2'),
    ],
    [
      'has ended as the book knows',
      new World().told(1, { status: 'Cancelled' }).completed(1, 'Cancelled by Trader'),
    ],
    ['is the child that it was', new World().told(1, { terms: parent }).open(1, { terms: { parentId: 1 } })],
    ['comes without its number', new World().told(1).open(0, { orderId: 1, orderRef: 'ref-1' })],
    ['is spoken of by executions alone', new World().told(1, { filled: '2' }).execution(1, 'a.01', '2')],
  ])('%s', (_how, world) => {
    expect(agrees(world)).toBe(true);
  });

  it.each<[string, World]>([
    ['has a number now', new World().told(0, { key: 'P1', orderId: 1 }).open(1)],
    ['has another state', new World().told(1, { status: 'PreSubmitted' }).open(1)],
    ['has another state by its status row', new World().told(1).open(1).status(1, 'PreSubmitted', '0')],
    [
      'has the same word for another state',
      new World().told(1, { status: 'PendingModify', brokerStatus: 'Submitted' }).open(1),
    ],
    ['has another word for the same state', new World().told(1, { brokerStatus: 'PreSubmitted' }).open(1)],
    [
      'works and has ended in the book',
      new World().told(1, { status: 'Cancelled' }).open(1, { status: 'Cancelled' }),
    ],
    ['has ended otherwise', new World().told(1, { status: 'Rejected' }).completed(1, 'Cancelled by Trader')],
    ['has another price', new World().told(1).open(1, { limitPrice: '4990' })],
    ['is filled further', new World().told(1, { filled: '2' }).open(1).execution(1, 'a.01', '3')],
    ['is filled further by its status', new World().told(1).open(1, { filled: '1' })],
    [
      'has a parent that nobody has found yet',
      new World().told(1, { terms: { parentId: 1 } }).open(1, { terms: { parentId: 1 } }),
    ],
    [
      'has become a child',
      new World().told(1, { terms: { parentId: 2, parentKey: 'P2' } }).open(1, { terms: { parentId: 1 } }),
    ],
    ['has its terms told for the first time', new World().toldFill(1, 'a.01', '1').open(1)],
  ])('is none that %s', (_how, world) => {
    expect(agrees(world)).toBe(false);
  });
});

describe('terms that differ', () => {
  const differ = (told: Partial<OrderTerms>, next: Partial<OrderTerms>) =>
    differingTerms({ ...limitTerms, ...told }, { ...limitTerms, ...next });

  it('do so by what they say, not by how a number is written', () => {
    expect(differ({ limitPrice: '5000' }, { limitPrice: '5000.0' })).toEqual([]);
    expect(differ({ quantity: '5' }, { quantity: '5.00' })).toEqual([]);
    expect(differ({ quantity: '5' }, { quantity: '6' })).toEqual(['quantity']);
    expect(differ({ stopPrice: null }, { stopPrice: '4990' })).toEqual(['stopPrice']);
    expect(differ({ stopPrice: '4990' }, { stopPrice: null })).toEqual(['stopPrice']);
    // A group's name may look like a number, and is none.
    expect(differ({ ocaGroup: '7' }, { ocaGroup: '7.0' })).toEqual(['ocaGroup']);
  });
});

describe('the report of an order', () => {
  function merged(world: World) {
    const { fresh } = deskOf(world);
    const body = world.order('P1');
    return mergedReport(body, body.state.identity, listedOf(world).orders[0]!, null, fresh);
  }

  it('has the further of two states that the list tells, and of equals what the status adds', () => {
    const further = new World().told(1, { status: 'PreSubmitted' }).open(1, { status: 'PreSubmitted' });
    expect(merged(further.status(1, 'Submitted', '0'))?.report.status).toBe('Submitted');
    const less = new World().told(1, { status: 'PreSubmitted' }).open(1, { status: 'Submitted' });
    expect(merged(less.status(1, 'PreSubmitted', '0'))?.report.status).toBe('Submitted');
    const held = new World()
      .told(1, { status: 'PreSubmitted' })
      .open(1, { status: 'PreSubmitted', filled: '0' });
    held.rows.openOrders = held.rows.openOrders.map((row) =>
      row.kind === 'order-status' ? { ...row, whyHeld: 'locate' } : row,
    );
    expect(merged(held)?.report.whyHeld).toBe('locate');
  });

  it('comes with the order that it makes, so that nobody has to make it again', () => {
    const world = new World().told(1).open(1, { limitPrice: '4990' });
    expect(merged(world)?.body).toMatchObject({ status: 'Submitted', terms: { limitPrice: '4990' } });
  });

  it('is held by nothing any more once it has ended', () => {
    const world = new World().told(1);
    const report = { ...toldReport(world.order('P1'))!, whyHeld: 'locate' };
    world.tell({ kind: 'order', at: world.stamp(), report });
    expect(toldReport(world.order('P1'))?.whyHeld).toBe('locate');
    const ended = merged(world.completed(1, 'Cancelled by Trader'))?.report;
    expect(ended).toMatchObject({ status: 'Cancelled', brokerStatus: 'Cancelled', whyHeld: '' });
  });
});

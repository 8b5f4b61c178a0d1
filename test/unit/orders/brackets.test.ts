import { describe, expect, it } from 'vitest';
import { groupOrders } from '../../../lib/domain/orders/brackets.ts';
import type { OrderTerms } from '../../../lib/domain/orders/order-report.ts';
import type { OrderState } from '../../../lib/domain/orders/order-state.ts';
import { ToldOrder } from './order-harness.ts';

function order(permId: number, orderId: number, terms: Partial<OrderTerms> = {}, clientId = 7): OrderState {
  return new ToldOrder().report({ orderKey: `P${permId}`, permId, orderId, clientId, terms }).state!;
}

const takeProfit = { orderType: 'LMT', action: 'SELL' } as const;
const stop = { orderType: 'STP', action: 'SELL', limitPrice: null, stopPrice: '4950' } as const;

describe('brackets', () => {
  it('a bracket is rebuilt from parentId at the same client', () => {
    const groups = groupOrders([
      order(103, 3, { ...stop, parentId: 1 }),
      order(101, 1),
      order(102, 2, { ...takeProfit, parentId: 1 }),
      // another client's order 1 is another order
      order(201, 1, {}, 8),
      order(202, 2, { ...stop, orderType: 'TRAIL', parentId: 1 }, 8),
    ]);
    expect(groups).toEqual({
      brackets: [
        {
          parentKey: 'P101',
          children: [
            { orderKey: 'P102', role: 'take-profit' },
            { orderKey: 'P103', role: 'stop' },
          ],
        },
        { parentKey: 'P201', children: [{ orderKey: 'P202', role: 'stop' }] },
      ],
      orphans: [],
      ocaGroups: [],
    });
  });

  it('a completed child finds its parent by its key, also by the permId in it', () => {
    const parent = new ToldOrder().report({ orderKey: 'our-intent', permId: 101, orderId: 1 }).state!;
    const groups = groupOrders([
      parent,
      order(102, 0, { ...takeProfit, parentKey: 'P101' }),
      order(103, 0, { ...stop, parentKey: 'our-intent' }),
    ]);
    expect(groups.brackets).toEqual([
      {
        parentKey: 'our-intent',
        children: [
          { orderKey: 'P102', role: 'take-profit' },
          { orderKey: 'P103', role: 'stop' },
        ],
      },
    ]);
    expect(groups.orphans).toEqual([]);
  });

  it('a key counts before an order id', () => {
    const groups = groupOrders([
      order(101, 1),
      order(90, 5),
      order(102, 2, { ...stop, parentId: 5, parentKey: 'P101' }),
    ]);
    expect(groups.brackets.map(({ parentKey }) => parentKey)).toEqual(['P101']);
  });

  it('a child whose parent is not known is an orphan', () => {
    const groups = groupOrders([order(102, 2, { ...stop, parentId: 1 })]);
    expect(groups.brackets).toEqual([]);
    expect(groups.orphans).toEqual([{ orderKey: 'P102', role: 'stop', parent: '1', candidates: [] }]);
  });

  it('order ids that were used again make no bracket by guess', () => {
    const groups = groupOrders([
      order(51, 1),
      order(101, 1),
      order(102, 2, { orderType: 'MIDPRICE', parentId: 1 }),
    ]);
    expect(groups.brackets).toEqual([]);
    expect(groups.orphans).toEqual([
      { orderKey: 'P102', role: 'other', parent: '1', candidates: ['P101', 'P51'] },
    ]);
  });

  it('an order is not its own parent', () => {
    const groups = groupOrders([order(101, 1, { parentId: 1 })]);
    expect(groups.brackets).toEqual([]);
    expect(groups.orphans).toHaveLength(1);
  });
});

describe('OCA groups', () => {
  it('are rebuilt from ocaGroup', () => {
    const oca = { ocaGroup: 'exit-1', ocaType: 1 };
    const groups = groupOrders([
      order(103, 3, { ...stop, ...oca }),
      order(102, 2, { ...takeProfit, ...oca }),
      order(104, 4, { ocaGroup: 'another', ocaType: 3 }),
      order(101, 1),
    ]);
    expect(groups.ocaGroups).toEqual([
      { name: 'another', ocaType: 3, members: ['P104'] },
      { name: 'exit-1', ocaType: 1, members: ['P102', 'P103'] },
    ]);
  });

  it('orders without a report belong to none', () => {
    const known = new ToldOrder().fill('a.01', '1', '5000').state!;
    expect(groupOrders([known])).toEqual({ brackets: [], orphans: [], ocaGroups: [] });
  });
});

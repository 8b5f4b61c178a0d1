/** What the broker says of one order in several rows and lists: put together, whatever comes first. */
import { describe, expect, it } from 'vitest';
import {
  brokerOrdersOf,
  foreignOrders,
  pictureOf,
  textOf,
} from '../../../lib/domain/reconcile/broker-orders.ts';
import type { BrokerOrder } from '../../../lib/domain/reconcile/context.ts';
import { account, World } from '../../helpers/reconcile-world.ts';
import { listedOf, nameOf } from './stages.ts';

const nameless = { orderId: 0, clientId: 0, orderRef: '' };

/** The lists as they are said, and each of them backwards. */
function bothWays(say: (world: World) => void): readonly World[] {
  return [false, true].map((backwards) => {
    const world = new World();
    say(world);
    if (!backwards) return world;
    world.rows = {
      ...world.rows,
      openOrders: world.rows.openOrders.toReversed(),
      completedOrders: world.rows.completedOrders.toReversed(),
      executions: world.rows.executions.toReversed(),
    };
    return world;
  });
}

function only(world: World): BrokerOrder {
  const { orders } = listedOf(world);
  expect(orders).toHaveLength(1);
  return orders[0]!;
}

describe('the orders of a snapshot', () => {
  it('are sorted by permId, client, order id and first execution, however the lists come', () => {
    const worlds = bothWays((world) => {
      world.open(3).open(12).open(2);
      for (const [clientId, orderId] of [
        [9, 4],
        [8, 6],
        [8, 5],
      ] as const) {
        world.open(0, { clientId, orderId });
      }
      world.execution(0, 'b.01', '1', nameless).execution(0, 'a.01', '1', nameless);
      world.execution(0, 'c.01', '1', nameless);
    });
    for (const world of worlds) {
      const names = listedOf(world).orders.map(
        (order) => `${nameOf(order)} ${order.executions[0]?.execId ?? ''}`,
      );
      const strays = ['0#0 a.01', '0#0 b.01', '0#0 c.01'];
      expect(names).toEqual([...strays, '8#5 ', '8#6 ', '9#4 ', '2 ', '3 ', '12 ']);
    }
  });

  it('are none where only a status is told, which says too little', () => {
    const world = new World().status(5, 'Submitted', '0').open(6);
    expect(listedOf(world).orders.map(nameOf)).toEqual(['6']);
  });

  it('leave out rows that name none: they are counted', () => {
    const world = new World().completed(0, 'Cancelled by Trader').open(6);
    expect(listedOf(world)).toMatchObject({ nameless: 1, orders: [{ permId: 6 }] });
  });

  it('leave out a word on an id of a client that two of them have had', () => {
    const world = new World().open(11, { orderId: 5 }).open(12, { orderId: 5 });
    world.status(0, 'Filled', '5', { orderId: 5 });
    const { orders, nameless: left } = listedOf(world);
    expect(orders.map((order) => [nameOf(order), order.status])).toEqual([
      ['11', null],
      ['12', null],
    ]);
    expect(left).toBe(1);
  });

  it('take a word on an id of a client that only one of them has had', () => {
    const world = new World().open(11, { orderId: 5 }).status(0, 'Filled', '5', { orderId: 5 });
    expect(only(world)).toMatchObject({ permId: 11, status: { status: 'Filled' } });
  });
});

describe('several reports of one order', () => {
  it('of two ends without a fill the refusal is the later word', () => {
    const worlds = bothWays((world) =>
      world.completed(5, 'Cancelled by Trader').completed(5, 'Rejected by System: no'),
    );
    for (const world of worlds) expect(only(world).completed?.completedStatus).toBe('Rejected by System: no');
  });

  it('a client and its order id count for more than the negative id of an order typed into TWS', () => {
    const world = new World().open(5, { orderId: -2, clientId: 0 });
    world.execution(5, 'a.01', '1', { orderId: 1, clientId: 7 });
    expect(only(world)).toMatchObject({ clientId: 7, orderId: 1 });
  });

  it('a status names the ids that a completed order comes without', () => {
    const world = new World().completed(6, 'Cancelled by Trader').status(6, 'Cancelled', '0');
    expect(only(world)).toMatchObject({ clientId: 7, orderId: 6 });
  });
});

describe('orders of another account', () => {
  const other = 'DU2';

  it('are left out with their words, numbered or not', () => {
    const world = new World().open(0, { orderId: 1 }).open(1);
    world.rows.openOrders = world.rows.openOrders.map((row) => ({ ...row, account: other }));
    world.status(1, 'Submitted', '0').status(0, 'Submitted', '0', { orderId: 9 });
    expect(pictureOf(world.broker, account).openOrders.rows).toMatchObject([
      { kind: 'order-status', permId: 0, orderId: 9 },
    ]);
  });

  it('are known by their end as well', () => {
    const world = new World().completed(3, 'Cancelled by Trader').completed(4, 'Cancelled by Trader');
    const [first, second] = world.rows.completedOrders;
    world.rows.completedOrders = [{ ...first!, account: other }, second!];
    expect([...foreignOrders(world.broker, (row) => row.account === account)]).toEqual([3]);
  });

  it('are a share of ours where we have executions alone, and ours where we have the order', () => {
    const world = new World().open(1).completed(2, 'Filled Size: 5').execution(3, 'a.01', '1');
    const { orders } = brokerOrdersOf(world.broker, new Set([1, 2, 3]));
    expect(orders.map(({ isShare }) => isShare)).toEqual([false, false, true]);
  });
});

it('a row has one text, whatever the order of its fields', () => {
  const row = { b: 1, c: { z: [2, 1], y: null }, a: 'x' };
  const text = '{"a":"x","b":1,"c":{"y":null,"z":[2,1]}}';
  expect(textOf(row)).toBe(text);
  expect(textOf({ a: 'x', c: { y: null, z: [2, 1] }, b: 1 })).toBe(text);
});

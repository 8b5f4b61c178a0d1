/** What the judges of orders look things up in: the market's clock, what is ignored, and costs that come late. */
import { describe, expect, it } from 'vitest';
import type { CommissionFact } from '../../../lib/domain/orders/broker-facts.ts';
import {
  isIgnored,
  lastChangeMs,
  marketTimeOf,
  quietSince,
} from '../../../lib/domain/reconcile/order-desk.ts';
import { planned, rules, World } from '../../helpers/reconcile-world.ts';
import { openMs } from '../orders/order-harness.ts';
import { deskOf } from './stages.ts';

describe('the market clock of a run', () => {
  const { broker } = new World();

  it("is the broker's, and our own only before the broker's first word", () => {
    expect(marketTimeOf({ ...broker, brokerTimeMs: broker.completedAtMs - 700 })).toBe(
      broker.completedAtMs - 700,
    );
    expect(marketTimeOf({ ...broker, brokerTimeMs: 1 })).toBe(1);
    expect(marketTimeOf({ ...broker, brokerTimeMs: 0 })).toBe(broker.completedAtMs);
  });

  it('was quiet before the first question was asked', () => {
    const atMs = broker.brokerTimeMs;
    const asked = (tookMs: number) => ({ ...broker, startedAtMs: broker.completedAtMs - tookMs });
    expect(quietSince(asked(3_000), rules)).toBe(atMs - 3_000 - rules.quietMs);
    // A clock that was set back between the two says nothing of how long it took.
    expect(quietSince(asked(-3_000), rules)).toBe(atMs - rules.quietMs);
  });

  it('says of an order of which nothing is known when it changed that nothing has', () => {
    expect(lastChangeMs(undefined, undefined)).toBe(0);
    const world = new World().told(1, { changedAtMs: null }).open(1);
    const { input, matches } = deskOf(world);
    expect(lastChangeMs(input.book.orders.get('P1'), matches.orders.get('P1'))).toBe(0);
    world.execution(1, 'a.01', '1', { atMs: openMs + 1 }).execution(1, 'b.01', '1', { atMs: openMs + 2 });
    expect(lastChangeMs(undefined, deskOf(world).matches.orders.get('P1'))).toBe(openMs + 2);
  });
});

describe('orders that are not judged', () => {
  it('are named by their key or by their permId, and an order without a number is not number 0', () => {
    const desk = (...ignoredOrders: string[]) => deskOf(new World().ruled({ ignoredOrders }));
    expect(isIgnored(desk('P1'), 'P1', 5)).toBe(true);
    expect(isIgnored(desk('1'), 'intent-1', 1)).toBe(true);
    expect(isIgnored(desk('1'), 'intent-1', 2)).toBe(false);
    expect(isIgnored(desk('0'), 'intent-1', 0)).toBe(false);
    expect(isIgnored(desk(), 'P1', 1)).toBe(false);
  });
});

describe('costs of executions that the broker no longer lists', () => {
  const cost = (execId: string, more: Partial<CommissionFact> = {}): CommissionFact => ({
    kind: 'commission',
    execId,
    commission: '2.25',
    currency: 'USD',
    realizedPnl: null,
    ...more,
  });

  function late(...costs: CommissionFact[]): Record<string, string[]> {
    const world = new World().told(1, { quantity: '5' });
    for (const execId of ['a.01', 'b.01', 'c.01']) world.toldFill(1, execId, '1');
    world.toldCommission(1, 'a.01', '2.25').toldCommission(1, 'x.01', '2.25');
    world.rows.executions = costs;
    const { lateCosts } = deskOf(world);
    return Object.fromEntries([...lateCosts].map(([key, facts]) => [key, facts.map(({ execId }) => execId)]));
  }

  it('go to the order that the book has them in, sorted', () => {
    expect(late(cost('c.01'), cost('b.01'))).toEqual({ P1: ['b.01', 'c.01'] });
    expect(late(cost('b.01'), cost('c.01'))).toEqual({ P1: ['b.01', 'c.01'] });
  });

  it('are none where the book knows them, or does not know the execution', () => {
    expect(late(cost('a.01'), cost('x.01', { commission: '9' }), cost('y.01'))).toEqual({});
  });

  it('differ by amount, by currency, and by a profit that only one of them says', () => {
    expect(late(cost('a.01', { commission: '2.5' }))).toEqual({ P1: ['a.01'] });
    expect(late(cost('a.01', { currency: 'EUR' }))).toEqual({ P1: ['a.01'] });
    expect(late(cost('a.01', { realizedPnl: '100' }))).toEqual({ P1: ['a.01'] });
  });

  it('are booked once: the next run has nothing to add', () => {
    const world = new World()
      .told(1, { quantity: '1' })
      .toldFill(1, 'a.01', '1')
      .toldPosition('1')
      .position('1');
    world.ruled({ noStopNeeded: ['FUT'] });
    world.rows.executions = [cost('a.01', { realizedPnl: '100' })];
    const verdict = world.run();
    expect(planned(verdict)).toEqual(['to_update order P1']);
    world.apply(verdict);
    expect(world.order('P1').commissions).toEqual({ USD: '2.25' });
    expect(deskOf(world).lateCosts.size).toBe(0);
    expect(planned(world.run())).toEqual([]);
  });
});

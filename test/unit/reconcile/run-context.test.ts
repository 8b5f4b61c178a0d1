/** What the judges of positions and cash are given: sorted, and the same in whatever order the lists come. */
import { describe, expect, it } from 'vitest';
import type { PositionFact } from '../../../lib/domain/orders/broker-facts.ts';
import { positionsOf, unsettledOf } from '../../../lib/domain/reconcile/run-context.ts';
import { account, minute, World } from '../../helpers/reconcile-world.ts';
import { calendarSpread, es, esJune, openMs, spy } from '../orders/order-harness.ts';
import { contextFor, deskOf } from './stages.ts';

const second = 1_000;

describe('executions that the book lacks', () => {
  it.each([
    { first: 1, second: 2 },
    { first: 2, second: 1 },
  ])('are in the order in which they happened, over all orders: $first and $second', (permIds) => {
    const { first: one, second: other } = permIds;
    const world = new World().told(1).told(2);
    world.execution(one, 'd.01', '1', { atMs: openMs + 2 * second });
    world.execution(one, 'a.01', '1', { atMs: openMs + 4 * second });
    world.execution(other, 'c.01', '1', { atMs: openMs + 1 * second });
    world.execution(other, 'b.01', '1', { atMs: openMs + 2 * second });
    world.execution(other, 'e.01', '1', { atMs: openMs + 3 * second });
    const fills = contextFor(world).newFills.get(String(es.conId)) ?? [];
    expect(fills.map(({ execId }) => execId)).toEqual(['c.01', 'b.01', 'd.01', 'e.01', 'a.01']);
  });
});

describe('a list of positions', () => {
  const row = (contract: typeof es, position: string, averageCost = '0'): PositionFact => ({
    kind: 'position',
    account,
    contract,
    position,
    averageCost,
  });

  it('is sorted by contract; of a contract that is listed twice the same row stays, whichever came last', () => {
    const rows = [
      row(esJune, '1'),
      row(es, '2', '250000'),
      row(spy, '7'),
      row(es, '2', '251000'),
      row(es, '1'),
    ];
    for (const some of [rows, rows.toReversed(), [...rows.slice(2), ...rows.slice(0, 2)]]) {
      const positions = positionsOf({ outcome: 'ok', rows: some });
      expect(
        [...(positions ?? [])].map(([conId, { position, averageCost }]) => [conId, position, averageCost]),
      ).toEqual([
        [String(spy.conId), '7', '0'],
        [String(es.conId), '2', '251000'],
        [String(esJune.conId), '1', '0'],
      ]);
    }
    expect(positionsOf({ outcome: 'partial', rows })).toBeNull();
  });
});

describe('contracts whose fills may be on their way', () => {
  const unsettled = (world: World) => Object.fromEntries(unsettledOf(deskOf(world)));

  it('say the same reason, whichever order is looked at first', () => {
    const world = new World();
    const justNow = world.marketMs - second;
    world.told(1, { changedAtMs: justNow }).told(2, { changedAtMs: justNow });
    expect(unsettled(world)).toEqual({ [es.conId]: 'order P1 has just changed' });
  });

  it('are those of the legs and of the combination', () => {
    const world = new World();
    const spread = { ...calendarSpread, conId: 28_812_380 };
    const words = { contract: spread };
    const leg = { contract: esJune, atMs: world.marketMs - second };
    world.open(1, words).execution(1, 'a.01', '1', leg);
    expect(unsettled(world)).toEqual({
      [spread.conId]: 'order P1 has just changed',
      [esJune.conId]: 'order P1 has just been executed',
    });
  });

  it('are none once the quiet period is over', () => {
    const world = new World()
      .told(1, { changedAtMs: openMs })
      .execution(2, 'a.01', '1', { atMs: openMs + minute });
    expect(unsettled(world)).toEqual({});
  });
});

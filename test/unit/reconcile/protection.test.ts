/** Which orders protect a position. */
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../lib/domain/reconcile/types.ts';
import { type OpenWords, World } from '../../helpers/reconcile-world.ts';
import { es, esJune, spy } from '../orders/order-harness.ts';

/** A position of both sides in ES, and stops that sell, each by its words. */
function withStops(size: string, ...stops: readonly OpenWords[]): World {
  const world = new World().bothPosition(size);
  stops.forEach(({ terms, ...words }, index) => {
    world.both(50 + index, {
      side: 'SELL',
      quantity: '2',
      ...words,
      terms: { orderType: 'STP', stopPrice: '4900', ...terms },
    });
  });
  return world;
}

function unprotected({ discrepancies }: Verdict): string[] {
  return discrepancies.filter(({ type }) => type === 'UNPROTECTED_POSITION').map(({ broker }) => broker);
}

describe('a position needs working stops of its size', () => {
  it('is CRITICAL without one, and names the size', () => {
    const [found] = withStops('2').run().discrepancies;
    expect(found).toMatchObject({
      id: `UNPROTECTED_POSITION:position ${es.conId}`,
      severity: 'CRITICAL',
      broker: '2, stops for 0',
    });
  });

  it('is protected by stops of any client and of any kind of stop', () => {
    for (const orderType of ['STP', 'STP LMT', 'TRAIL', 'TRAIL LIMIT']) {
      expect(unprotected(withStops('2', { clientId: 99, terms: { orderType } }).run())).toEqual([]);
    }
    expect(unprotected(withStops('2', { terms: { orderType: 'LMT' } }).run())).toHaveLength(1);
  });

  it('adds them up, and counts what is left of each', () => {
    expect(unprotected(withStops('4', {}, {}).run())).toEqual([]);
    expect(unprotected(withStops('5', {}, {}).run())).toEqual(['5, stops for 4']);
    expect(unprotected(withStops('2', { quantity: '2', filled: '1', status: 'Submitted' }).run())).toEqual([
      '2, stops for 1',
    ]);
  });

  it('counts an OCA group once, by its largest stop', () => {
    const oca = { terms: { ocaGroup: 'g', ocaType: 1 } };
    expect(unprotected(withStops('4', oca, { ...oca, quantity: '3' }).run())).toEqual(['4, stops for 3']);
    expect(unprotected(withStops('5', oca, { ...oca, quantity: '3' }, {}).run())).toEqual([]);
  });

  it('does not count the wrong side, another contract, or one that does not act now', () => {
    for (const words of [
      { side: 'BUY' },
      { contract: esJune },
      { transmit: false },
      { status: 'PendingCancel' },
      { status: 'Inactive' },
      { status: 'PendingSubmit' },
    ] satisfies OpenWords[]) {
      expect(unprotected(withStops('2', words as OpenWords).run())).toEqual(['2, stops for 0']);
    }
    // a stop that buys protects what is short
    expect(unprotected(withStops('-2', { side: 'BUY' }).run())).toEqual([]);
    expect(unprotected(withStops('-2', {}).run())).toEqual(['-2, stops for 0']);
  });

  it('a child whose parent still works protects no more than the parent has filled', () => {
    const child = { terms: { parentId: 40 } };
    const parent = (filled: string) => withStops('2', child).both(40, { quantity: '2', filled });
    expect(unprotected(parent('0').run())).toEqual(['2, stops for 0']);
    expect(unprotected(parent('1').run())).toEqual(['2, stops for 1']);
    // the parent is listed as filled, without a status of its own
    expect(unprotected(withStops('2', child).open(40, { quantity: '2', status: 'Filled' }).run())).toEqual(
      [],
    );
    // an order typed into TWS has no number, and is nobody's parent
    const typed = withStops('2', {}).both(40, { quantity: '2', orderId: 0, clientId: 7, filled: '0' });
    expect(unprotected(typed.run())).toEqual([]);
    // the parent is no longer open: it was filled
    expect(unprotected(withStops('2', child).run())).toEqual([]);
  });

  it('is not asked for where the rules say so, nor of a position that is closed', () => {
    for (const name of ['FUT', 'ES', 'ESH6']) {
      expect(
        unprotected(
          withStops('2')
            .ruled({ noStopNeeded: [name] })
            .run(),
        ),
      ).toEqual([]);
    }
    expect(unprotected(new World().bothPosition('0', '0', spy).run())).toEqual([]);
  });

  it('is not judged without the positions, or without the open orders', () => {
    for (const part of ['positions', 'openOrders'] as const) {
      const verdict = withStops('2').outcome(part, 'partial').run();
      expect(unprotected(verdict)).toEqual([]);
      expect(verdict.unjudged.join()).toContain('no verdict on the protection of positions');
    }
  });

  it('waits while the fills of the contract may still arrive', () => {
    const world = withStops('2');
    world.told(60, { changedAtMs: world.marketMs - 1_000 }).open(60);
    const verdict = world.run();
    expect(unprotected(verdict)).toEqual([]);
    expect(verdict.pending.map(({ why }) => why).join()).toContain('its stops');
  });
});

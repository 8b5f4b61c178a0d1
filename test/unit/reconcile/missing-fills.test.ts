/** Executions and costs that the broker lists under another order than the book has them in. */
import { describe, expect, it } from 'vitest';
import type { FillBody } from '../../../lib/domain/book/fills.ts';
import { fillKey, parseExecId } from '../../../lib/domain/orders/exec-id.ts';
import { missingCost } from '../../../lib/domain/reconcile/missing-fills.ts';
import { found, planned, World } from '../../helpers/reconcile-world.ts';

describe('an execution that the book has under another order', () => {
  const confused = () =>
    new World().told(1).toldFill(1, 'e1.01', '1').told(2).open(1, { limitPrice: '4990' }).open(2);

  it('is paid for there: two actions never write one order', () => {
    const world = confused().execution(2, 'e1.01', '1').commission('e1.01', '2.25');
    const verdict = world.run();
    const refs = verdict.plan.actions.flatMap(({ writes }) =>
      writes.map(({ ref }) => `${ref.kind} ${ref.id}`),
    );
    expect(refs).toContain('order P1');
    expect(new Set(refs).size).toBe(refs.length);
    world.apply(verdict);
    expect(world.order('P1')).toMatchObject({ filled: '1', commissions: { USD: '2.25' } });
    expect(world.order('P2')).toMatchObject({ filled: '0', commissions: {} });
  });

  it('does not count a second time because its price differs', () => {
    const world = confused().execution(2, 'e1.01', '1', { price: '4980' });
    const verdict = world.run();
    expect(found(verdict).filter((text) => text.startsWith('PRICE_MISMATCH'))).toEqual([]);
    expect(world.apply(verdict).order('P2').filled).toBe('0');
  });

  it('is paid for where only its cost is told, unless the book knows it so', () => {
    const world = new World().told(1).toldFill(1, 'e1.01', '1').toldCommission(1, 'e1.01', '2.25').open(1);
    expect(planned(world.commission('e1.01', '2.25').run())).toEqual([]);
    world.askedAgain().open(1).commission('e1.01', '2.25', 'EUR');
    expect(world.apply(world.run()).order('P1').commissions).toEqual({ EUR: '2.25' });
    world.askedAgain().open(1).commission('e1.01', '3', 'EUR');
    expect(world.apply(world.run()).order('P1').commissions).toEqual({ EUR: '3' });
  });
});

describe('an order that the book has lost while it kept its fills', () => {
  it('gets them back with what they cost, and no synthetic one beside them', () => {
    const world = new World().told(1).toldFill(1, 'e1.01', '1').toldCommission(1, 'e1.01', '2.25');
    for (const [key, { ref }] of world.items) if (ref.kind !== 'fill') world.items.delete(key);
    world.askedAgain().open(1).execution(1, 'e1.01', '1').commission('e1.01', '2.25');
    const verdict = world.run();
    expect(verdict.plan.actions.flatMap(({ writes }) => writes.map(({ ref }) => ref.id)).join()).not.toMatch(
      /SYNTHETIC/,
    );
    world.apply(verdict);
    expect(world.order('P1')).toMatchObject({ filled: '1', synthetic: '0', commissions: { USD: '2.25' } });
  });
});

describe('the cost of an execution', () => {
  function missing(known: string | null, told: string | null, commission = '2.25'): boolean {
    const fill = new World()
      .toldFill(1, 'e1.01', '1')
      .toldCommission(1, 'e1.01', '2.25')
      .picture.fills.get(fillKey(parseExecId('e1.01')));
    const body = {
      ...fill!.body,
      commission: { ...fill!.body.commission!, realizedPnl: known },
    } satisfies FillBody;
    const fact = {
      kind: 'commission',
      execId: 'e1.01',
      commission,
      currency: 'USD',
      realizedPnl: told,
    } as const;
    return missingCost(fact, 'P1', body) !== undefined;
  }

  it('is the same number however it is written', () => {
    expect(missing(null, null, '2.250')).toBe(false);
    expect(missing(null, null, '2.26')).toBe(true);
  });

  it('lacks the profit only where the broker says one that the book does not have', () => {
    expect(missing('100', null)).toBe(false);
    expect(missing('100', '100.0')).toBe(false);
    expect(missing('100', '90')).toBe(true);
    // Nobody has said it is not the same as none.
    expect(missing(null, '0')).toBe(true);
  });
});

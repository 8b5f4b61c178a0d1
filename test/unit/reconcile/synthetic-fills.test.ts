/** How much no execution explains, at which price, and for which order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { amount, plain, zero } from '../../../lib/domain/orders/decimals.ts';
import type { PositionEvidence } from '../../../lib/domain/reconcile/position-evidence.ts';
import {
  isSyntheticOrder,
  legsOf,
  syntheticOrderKey,
  unexplained,
} from '../../../lib/domain/reconcile/synthetic-fills.ts';
import { found, minute, World } from '../../helpers/reconcile-world.ts';
import { openMs } from '../orders/order-harness.ts';

const window = (...quantities: readonly number[]) =>
  quantities.map((quantity, index) => ({
    timeMs: index,
    execBase: `x${index}`,
    quantity: amount(String(quantity)),
    price: amount('100'),
  }));

function evidence(before: number, after: number, ...quantities: readonly number[]): PositionEvidence {
  return {
    before: amount(String(before)),
    after: amount(String(after)),
    latest: before === 0 ? null : { epoch: 1, seq: 5 },
    window: window(...quantities),
    unclear: false,
    isListed: true,
    own: zero,
  };
}

function rest(book: number, broker: number, told: PositionEvidence, taken = 0, seq = 9): string | null {
  const missing = unexplained(
    amount(String(book)),
    amount(String(broker)),
    told,
    { epoch: 1, seq },
    amount(String(taken)),
  );
  return missing && plain(missing);
}

describe('what no execution explains', () => {
  it.each([
    ['nothing is known of the contract', 0, 3, evidence(0, 0), '3'],
    ['an execution explains all', 0, 3, evidence(0, 3, 3), '0'],
    ['an execution explains a part', 0, 3, evidence(0, 1, 1), '2'],
    ['the fills are booked, the position is behind', 2, 3, evidence(3, 3, 1), '0'],
    ['the position is ahead of the fills', 3, 3, evidence(0, 3, 3), '0'],
    ['one execution is all that the position is', 5, 3, evidence(0, 3, 3), '0'],
    ['older fills are unknown, the last execution explains it', 5, 6, evidence(0, 3, 2, 1), '0'],
    ['older fills are unknown, no end of the window explains it', 5, 9, evidence(0, 3, 2, 1), null],
    ['older fills are unknown, and none in the window', 5, 9, evidence(1, 1), '4'],
    ['the fills agree with the book, the broker has more', 2, 4, evidence(2, 2), '2'],
    ['something was closed before the window', 5, 2, evidence(5, 6, 1), '-4'],
  ] as const)('%s', (_, book, broker, told, expected) => {
    expect(rest(book, broker, told)).toBe(expected);
  });

  it('is not told where a fill may have come after the position', () => {
    expect(rest(5, 9, evidence(1, 1), 0, 4)).toBeNull();
    expect(rest(5, 9, evidence(1, 1), 0, 5)).toBe('4');
  });

  it('is not told where an execution does not count', () => {
    expect(rest(0, 3, { ...evidence(0, 1, 1), unclear: true })).toBeNull();
  });

  it('leaves to an order what that order misses', () => {
    expect(rest(0, 3, evidence(0, 0), 3)).toBe('0');
    expect(rest(0, 5, evidence(0, 0), 3)).toBe('2');
    expect(rest(3, 5, evidence(0, 0), 3)).toBe('2');
    // five more: one of the window, and four that an order misses
    expect(rest(9, 14, evidence(2, 3, 1), 4)).toBe('0');
    expect(rest(9, 13, evidence(2, 3, 1), 4)).toBe('0');
    expect(rest(9, 15, evidence(2, 3, 1), 4)).toBeNull();
  });
});

describe('the price of a synthetic fill', () => {
  const size = fc.integer({ min: 1, max: 50 });
  const price = fc.integer({ min: 50, max: 150 });

  it('an enlargement ends with the average of the broker, whatever was filled after it', () => {
    const fills = fc.array(fc.record({ quantity: size, price }), { maxLength: 4 });
    fc.assert(
      fc.property(size, price, size, price, fills, fc.boolean(), (held, at, more, paid, later, isShort) => {
        const sign = isShort ? -1 : 1;
        // given a position that was enlarged by an unknown fill, then by known ones
        const known = later.map((fill, index) => ({
          timeMs: index,
          execBase: `x${index}`,
          quantity: amount(String(sign * fill.quantity)),
          price: amount(String(fill.price)),
        }));
        const total = held + more + later.reduce((sum, { quantity }) => sum + quantity, 0);
        const value =
          held * at + more * paid + later.reduce((sum, fill) => sum + fill.quantity * fill.price, 0);
        const average = amount(String(value)).div(total);
        // when the fill is made from the two averages
        const [leg] = legsOf(
          amount(String(sign * more)),
          { size: amount(String(sign * held)), price: amount(String(at)) },
          { size: amount(String(sign * total)), price: average },
          known,
        );
        // then it is the one that was lost
        expect(leg!.quantity.toNumber()).toBe(sign * more);
        expect(leg!.price.toNumber()).toBeCloseTo(paid, 9);
      }),
      { numRuns: 200 },
    );
  });

  it('the legs always add up to what is missing', () => {
    const signed = fc.integer({ min: -20, max: 20 });
    fc.assert(
      fc.property(signed, signed, price, price, (book, broker, at, average) => {
        fc.pre(book !== broker);
        const missing = amount(String(broker - book));
        const legs = legsOf(
          missing,
          { size: amount(String(book)), price: amount(String(at)) },
          { size: amount(String(broker)), price: broker === 0 ? null : amount(String(average)) },
          [],
        );
        expect(legs.reduce((sum, { quantity }) => sum.plus(quantity), zero).toNumber()).toBe(broker - book);
        expect(legs.length).toBe(book * broker < 0 ? 2 : 1);
        for (const leg of legs) expect(leg.price.gt(0)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('has no part in an average that went through flat since', () => {
    const through = (...quantities: readonly number[]) =>
      legsOf(
        amount('2'),
        { size: zero, price: null },
        { size: amount('1'), price: amount('110') },
        window(...quantities),
      ).map(({ price: made }) => plain(made));
    // +2, then to 0, then +1: the average is that of the last one
    expect(through(-2, 1)).toEqual(['110']);
    // +2, then 1 of it sold: the average is that of the first
    expect(through(-1)).toEqual(['110']);
    // +2, then through 0 to -1, then +2 more
    expect(through(-3, 2)).toEqual(['110']);
  });

  it('an average with odd costs in it never makes a price below zero', () => {
    const [leg] = legsOf(
      amount('1'),
      { size: amount('9'), price: amount('100') },
      { size: amount('10'), price: amount('50') },
      [],
    );
    expect(plain(leg!.price)).toBe('50');
  });
});

describe('orders that the broker says are filled further than any execution tells', () => {
  const filled = (changedAtMs: number | null) =>
    new World().ruled({ noStopNeeded: ['FUT'] }).told(17, {
      status: 'Filled',
      quantity: '2',
      filled: '2',
      averagePrice: '4990',
      changedAtMs,
    });

  it('older than the window: the synthetic fill stands in the order itself, at its own average', () => {
    const world = filled(Date.UTC(2026, 0, 4)).bothPosition('2');
    world.completed(17, 'Filled Size: 2', { quantity: '2', atMs: Date.UTC(2026, 0, 4) });
    const verdict = world.run();
    const order = world.apply(verdict).order('P17');
    expect(order).toMatchObject({ filled: '2', synthetic: '2', missing: '0', averagePrice: '4990' });
    expect(found(world.run())).toEqual([]);
  });

  it('of today: given its runs, and the real one that comes meanwhile is the only one', () => {
    const world = filled(openMs).bothPosition('2');
    const first = world.run();
    expect(first.plan.actions).toEqual([]);
    expect(first.pending).toMatchObject([{ subject: 'fills of order P17', runs: 1 }]);
    world.askedAgain().position('2').execution(17, 'a.01', '2', { price: '4990', cumulative: '2' });
    expect(world.apply(world.run()).order('P17')).toMatchObject({ filled: '2', synthetic: '0' });
  });

  it('of today and never told: after its runs it gets one, and the real one replaces it', () => {
    const world = filled(openMs).bothPosition('2');
    world.apply(world.runs(3));
    expect(world.order('P17')).toMatchObject({ filled: '2', synthetic: '2' });
    world.toldFill(17, 'a.01', '2', { price: '4990', atMs: openMs + minute });
    expect(world.order('P17')).toMatchObject({ filled: '2', synthetic: '0' });
  });

  it('makes nothing while the positions or the executions are not complete', () => {
    for (const part of ['positions', 'executions'] as const) {
      const world = filled(Date.UTC(2026, 0, 4))
        .bothPosition('2')
        .outcome(part, 'failed');
      expect(world.runs(4).plan.actions).toEqual([]);
    }
  });
});

it('the key of a synthetic order is no key of any other kind', () => {
  expect(isSyntheticOrder(syntheticOrderKey(495512563, 3))).toBe(true);
  for (const key of ['P17', 'C7-13-2', 'Ea', 'P17@DU1', 'S1', 'my-S1-2'])
    expect(isSyntheticOrder(key)).toBe(false);
});

describe('executions after a synthetic fill that go through zero', () => {
  const at = (quantity: string, price: string, timeMs: number) => ({
    timeMs,
    execBase: `x${timeMs}`,
    quantity: amount(quantity),
    price: amount(price),
  });
  const legs = (...of: Parameters<typeof legsOf>) =>
    legsOf(...of).map(({ quantity, price }) => `${plain(quantity)} at ${plain(price)}`);
  const flat = { size: zero, price: null };

  it('leave the fill no part in the average of the other side', () => {
    // 2 bought at no known price, then 5 sold at 100 and 3 at 120: short 6 at 110
    const broker = { size: amount('-6'), price: amount('110') };
    expect(legs(amount('2'), flat, broker, [at('-5', '100', 1), at('-3', '120', 2)])).toEqual(['2 at 110']);
  });

  it('are not needed where a short position shrinks: its own price is the last that is known', () => {
    const short = { size: amount('-5'), price: amount('90') };
    expect(legs(amount('2'), short, { size: amount('-3'), price: null }, [])).toEqual(['2 at 90']);
  });

  it('leave nothing to price by where all is closed in the end', () => {
    // short 2 at 90, 5 bought at no known price, 3 sold: flat
    const short = { size: amount('-2'), price: amount('90') };
    const broker = { size: zero, price: amount('110') };
    expect(legs(amount('5'), short, broker, [at('-3', '100', 1)])).toEqual(['2 at 90', '3 at 90']);
  });
});

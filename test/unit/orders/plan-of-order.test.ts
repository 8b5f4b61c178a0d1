import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WishedLeg } from '../../../lib/domain/orders/order-wish.ts';
import { beyondLimits, foresee, planOrder, type Stance } from '../../../lib/domain/orders/plan-of-order.ts';

const entry: WishedLeg = {
  leg: 'entry',
  action: 'BUY',
  quantity: '2',
  orderType: 'LMT',
  limitPrice: '2600.1',
  stopPrice: null,
  timeInForce: 'DAY',
  outsideRth: false,
};
const flat = { multiplier: '100', position: '0', lastPrice: '2601' };

describe('planOrder', () => {
  it.each([
    ['0', 'BUY', '2', 'opens'],
    ['1', 'BUY', '3', 'enlarges'],
    ['-1', 'SELL', '-3', 'enlarges'],
    ['5', 'SELL', '3', 'reduces'],
    ['-5', 'BUY', '-3', 'reduces'],
    ['2', 'SELL', '0', 'closes'],
    ['1', 'SELL', '-1', 'turns'],
    ['-0.5', 'BUY', '1.5', 'turns'],
  ] as const)('a position of %s after %s 2 is %s: %s', (position, action, after, effect) => {
    const plan = planOrder([{ ...entry, action }], { ...flat, position });
    expect(plan).toMatchObject({ positionNow: position, positionAfter: after, effect });
  });

  it('reckons with the limit, else the stop, else the last price, else with none', () => {
    const priceOf = (leg: Partial<WishedLeg>, lastPrice: string | null = '2601') => {
      const { price, priceFrom, notional } = planOrder([{ ...entry, ...leg }], { ...flat, lastPrice });
      return [priceFrom, price, notional];
    };
    expect(priceOf({})).toEqual(['limit', '2600.1', '520020']);
    expect(priceOf({ stopPrice: '2599' })).toEqual(['limit', '2600.1', '520020']);
    expect(priceOf({ limitPrice: null, stopPrice: '2599' })).toEqual(['stop', '2599', '519800']);
    expect(priceOf({ limitPrice: null })).toEqual(['last', '2601', '520200']);
    expect(priceOf({ limitPrice: null }, null)).toEqual(['unknown', null, null]);
    // Crude oil in April 2020: what is at stake is positive all the same.
    expect(priceOf({ limitPrice: '-37.63' })).toEqual(['limit', '-37.63', '7526']);
  });

  it('adds what the stop would lose and the target win, for either side', () => {
    const child = { ...entry, action: 'SELL' } as const;
    const plan = planOrder(
      [
        entry,
        { ...child, leg: 'stop-loss', orderType: 'STP', limitPrice: null, stopPrice: '2590' },
        { ...child, leg: 'take-profit', limitPrice: '2620' },
      ],
      flat,
    );
    expect(plan).toMatchObject({ atRisk: '2020', toWin: '3980' });
    expect(planOrder([entry], flat)).toMatchObject({ atRisk: null, toWin: null });
  });

  it('is exact for decimals of any length', () => {
    const decimal = fc
      .tuple(fc.bigInt({ min: 1n, max: 10n ** 15n }), fc.integer({ min: 0, max: 9 }))
      .map(([digits, places]) => new Decimal(digits.toString()).div(10 ** places).toFixed());
    const Exact = Decimal.clone({ precision: 200 });
    fc.assert(
      fc.property(decimal, decimal, decimal, decimal, (quantity, price, multiplier, position) => {
        const plan = planOrder([{ ...entry, quantity, limitPrice: price }], {
          multiplier,
          position,
          lastPrice: null,
        });
        expect(plan.notional).toBe(new Exact(quantity).times(price).times(multiplier).toFixed());
        expect(plan.positionAfter).toBe(new Exact(position).plus(quantity).toFixed());
      }),
      { numRuns: 200 },
    );
  });
});

describe('beyondLimits', () => {
  const limits = { maxQuantity: '10', maxNotional: '1000000', maxPosition: '3' };

  it('names what is passed, not what is met', () => {
    const plan = planOrder([{ ...entry, quantity: '3' }], flat);
    expect(beyondLimits(plan, '3', limits)).toEqual([]);
    const more = planOrder([{ ...entry, quantity: '11' }], flat);
    expect(beyondLimits(more, '11', limits)).toEqual([
      'quantity above 10',
      'notional above 1000000',
      'position above 3',
    ]);
    expect(beyondLimits(more, '11', { maxQuantity: null, maxNotional: null, maxPosition: null })).toEqual([]);
  });

  it('lets an order that makes a position smaller go beyond notional and position, never beyond quantity', () => {
    const plan = planOrder([{ ...entry, action: 'SELL', quantity: '11' }], { ...flat, position: '20' });
    expect(beyondLimits(plan, '11', limits)).toEqual(['quantity above 10']);
  });

  it('counts a short position as it counts a long one', () => {
    const plan = planOrder([{ ...entry, action: 'SELL', quantity: '4' }], { ...flat, lastPrice: null });
    expect(beyondLimits(plan, '4', { ...limits, maxNotional: null })).toEqual(['position above 3']);
  });
});

describe('foresee', () => {
  const free: Stance = {
    flags: { DRY_RUN: false, SAFE_MODE: false },
    flagsReadable: true,
    lockOpen: true,
    trading: 'active',
  };

  it('nothing against it: it leaves; DRY_RUN comes last', () => {
    expect(foresee(free, 'place', false)).toEqual({ answer: 'send' });
    const dry = { ...free, flags: { DRY_RUN: true, SAFE_MODE: false } };
    expect(foresee(dry, 'place', false)).toEqual({ answer: 'would-send' });
    expect(foresee({ ...dry, trading: 'halted' }, 'place', true)).toMatchObject({ code: 'HALTED' });
  });

  it.each<[string, Partial<Stance>, boolean]>([
    ['FLAGS_UNREADABLE', { flagsReadable: false }, true],
    ['SAFE_MODE', { flags: { DRY_RUN: true, SAFE_MODE: true } }, true],
    ['RECONCILE_LOCKED', { lockOpen: false }, false],
    ['HALTED', { trading: 'halted' }, true],
    ['REDUCE_ONLY', { trading: 'reduce-only' }, false],
  ])('%s denies', (code, stance, alsoSmaller) => {
    const seen = { ...free, ...stance };
    expect(foresee(seen, 'place', false)).toEqual({ answer: 'deny', code });
    expect(foresee(seen, 'place', true).answer).toBe(alsoSmaller ? 'deny' : 'send');
    expect(foresee(seen, 'flatten', true).answer).toBe(alsoSmaller ? 'deny' : 'send');
  });

  it('brackets and changes never count as making a position smaller', () => {
    for (const command of ['place-bracket', 'modify'] as const) {
      expect(foresee({ ...free, lockOpen: false }, command, true)).toMatchObject({
        code: 'RECONCILE_LOCKED',
      });
      expect(foresee({ ...free, trading: 'reduce-only' }, command, true)).toMatchObject({
        code: 'REDUCE_ONLY',
      });
    }
  });
});

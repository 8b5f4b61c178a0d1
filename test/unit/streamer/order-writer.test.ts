/** What goes to the gateway for an intent: in which order, how the legs hang together, and which numbers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IntentLeg } from '../../../lib/domain/orders/intent.ts';
import type { WishedLeg } from '../../../lib/domain/orders/order-wish.ts';
import { changedOrder, OrderWriteError, ordersOf } from '../../../streamer/order-writer.ts';
import { bracket, gold, leg, market } from '../../helpers/gate-picture.ts';
import { terms } from '../orders/tracker-harness.ts';

const { legs } = bracket();
const idsOf = (of: readonly WishedLeg[], first = 40): readonly IntentLeg[] =>
  of.map((each, index) => ({ leg: each.leg, orderRef: `ek-${each.leg}`, orderId: first + index }));
const write = (of: readonly WishedLeg[], ids = idsOf(of)) => ordersOf('DU1', gold, of, ids);

describe('a bracket', () => {
  it('S114 a parent that would be transmitted before its children is not built: children behind it, and the last one transmits', () => {
    const orders = write(legs);
    expect(orders.map(({ orderId, order }) => [orderId, order.transmit, order.parentId ?? 0])).toEqual([
      [40, false, 0],
      [41, false, 40],
      [42, true, 40],
    ]);
  });

  it.each([
    ['children before their parent', [legs[1]!, legs[0]!, legs[2]!]],
    ['children without a parent', [legs[1]!, legs[2]!]],
    ['two parents', [legs[0]!, leg(), legs[1]!]],
    ['nothing at all', []],
  ])('S114 %s are refused by the builder', (_name, wrong) => {
    expect(() => write(wrong)).toThrow(OrderWriteError);
  });

  it('S114 a child with a lower id than its parent is refused by the builder', () => {
    const [first, second, third] = idsOf(legs);
    const ids = [{ ...first!, orderId: 41 }, { ...second!, orderId: 40 }, third!];
    expect(() => write(legs, ids)).toThrow(/higher order id/);
    expect(() => write(legs, idsOf(legs).slice(0, 2))).toThrow(/stop-loss has no order id/);
  });

  it('its children are one group, of which one fills and blocks the other, and live on after the day', () => {
    const [parent, target, stop] = write(legs).map(({ order }) => order);
    expect(parent).toMatchObject({ tif: 'DAY', action: 'BUY', orderType: 'LMT', lmtPrice: 2600.1 });
    expect(parent).not.toHaveProperty('ocaGroup');
    expect(target).toMatchObject({ tif: 'GTC', action: 'SELL', lmtPrice: 2620, ocaType: 1 });
    expect(stop).toMatchObject({ tif: 'GTC', action: 'SELL', orderType: 'STP', auxPrice: 2590, ocaType: 1 });
    expect(target!.ocaGroup).toBe(stop!.ocaGroup);
    expect(target!.ocaGroup).toContain('ek-entry');
    expect(stop).not.toHaveProperty('lmtPrice');
  });
});

describe('a single order', () => {
  it('is transmitted, for its account, under its reference, with the prices of its type alone', () => {
    const [only, ...rest] = write([leg({ ...market, quantity: '3', timeInForce: 'IOC', outsideRth: true })]);
    expect(rest).toEqual([]);
    expect(only).toMatchObject({ orderId: 40, contract: { conId: gold.conId } });
    expect(only!.order).toEqual({
      account: 'DU1',
      orderRef: 'ek-entry',
      action: 'BUY',
      orderType: 'MKT',
      totalQuantity: 3,
      tif: 'IOC',
      outsideRth: true,
      transmit: true,
    });
  });

  it.each([
    '0.0000001',
    '9007199254740993',
    '0.1000000000000000055511151231257827',
    '1e3',
    'NaN',
    '',
    'Infinity',
    '0x10',
    '1,5',
  ])('the number %j does not survive the way to the gateway, and is refused', (limitPrice) => {
    expect(() => write([leg({ limitPrice })])).toThrow(OrderWriteError);
    expect(() => write([leg({ quantity: limitPrice })])).toThrow(OrderWriteError);
  });

  it('a number is written as it was said, or not at all', () => {
    const decimals = fc.tuple(fc.bigInt(-(10n ** 20n), 10n ** 20n), fc.nat(12)).map(([digits, places]) => {
      const sign = digits < 0n ? '-' : '';
      const text = String(digits < 0n ? -digits : digits).padStart(places + 1, '0');
      return places === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -places)}.${text.slice(-places)}`;
    });
    const bare = (text: string) =>
      text
        .replace(/(\.\d*?)0+$/, '$1')
        .replace(/\.$/, '')
        .replace(/^-0$/, '0');
    fc.assert(
      fc.property(decimals, (limitPrice) => {
        let written: number | undefined;
        try {
          written = write([leg({ limitPrice })])[0]!.order.lmtPrice;
        } catch (error) {
          if (!(error instanceof OrderWriteError)) throw error;
          return;
        }
        expect(String(written)).toBe(bare(limitPrice));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a changed order', () => {
  it('is written whole under its own id and reference, in its group and under its parent', () => {
    const report = {
      orderId: 42,
      orderRef: 'ek-stop-loss',
      terms: { ...terms({ parentId: 40, ocaGroup: 'ek-entry-oca', ocaType: 1 }), parentKey: null },
    };
    const changed = changedOrder('DU1', gold, report, { ...legs[2]!, stopPrice: '2595', timeInForce: 'GTC' });
    expect(changed.orderId).toBe(42);
    expect(changed.order).toMatchObject({
      orderRef: 'ek-stop-loss',
      parentId: 40,
      ocaGroup: 'ek-entry-oca',
      ocaType: 1,
      tif: 'GTC',
      auxPrice: 2595,
      transmit: true,
    });
    expect(() => changedOrder('DU1', gold, report, { ...legs[2]!, stopPrice: '1e-9' })).toThrow(
      OrderWriteError,
    );
  });

  it('of a single order has neither', () => {
    const report = { orderId: 40, orderRef: 'ek-entry', terms: { ...terms({}), parentKey: null } };
    const { order } = changedOrder('DU1', gold, report, leg());
    expect(order).not.toHaveProperty('parentId');
    expect(order).not.toHaveProperty('ocaGroup');
  });
});

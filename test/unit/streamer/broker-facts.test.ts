import { OrderStatus, OrderType, SecType } from '@stoqey/ib';
import { describe, expect, it } from 'vitest';
import {
  commissionFact,
  completedOrderFact,
  executionFact,
  openOrderFact,
  orderStatusFact,
  positionFact,
  tradedContract,
} from '../../../streamer/broker-facts.ts';
import { brokerTimeMs, decimalText, idOf, quantityText } from '../../../streamer/broker-facts-values.ts';
import { checkedFact } from '../../../streamer/fact-check.ts';

const NEW_YORK = 'America/New_York';
const gold = {
  conId: 101,
  symbol: 'GC',
  secType: SecType.FUT,
  localSymbol: 'GCG6',
  exchange: 'COMEX',
  currency: 'USD',
  multiplier: 100,
  lastTradeDateOrContractMonth: '20260225',
  strike: 0,
  tradingClass: 'GC',
};
const limit = {
  action: 'BUY',
  totalQuantity: 2,
  orderType: OrderType.LMT,
  lmtPrice: 2700.1,
  auxPrice: 0,
  tif: 'GTC',
  account: 'DU1',
  permId: 17,
  clientId: 3,
  ocaType: 3,
  parentId: 0,
} as never;

describe('numbers', () => {
  it('doubles become the decimal text that they were decoded from, without an exponent', () => {
    expect(decimalText(0.1)).toBe('0.1');
    expect(decimalText(1e-7)).toBe('0.0000001');
    expect(decimalText(201.8829709)).toBe('201.8829709');
    expect(decimalText(-110)).toBe('-110');
    expect(decimalText(1e21)).toBe('1000000000000000000000');
  });

  it("IB's sentinels, what is missing and what is no number are null", () => {
    for (const none of [1.7976931348623157e308, -1.7976931348623157e308, Number.NaN, Infinity, undefined])
      expect(decimalText(none)).toBeNull();
    expect(quantityText(2_147_483_647)).toBe('0');
    expect(quantityText(undefined)).toBe('0');
    // What a completed order without a parent has, rounded by a double.
    expect(idOf(9_223_372_036_854_775_807n as unknown as number)).toBe(0);
    expect(idOf(Number('9223372036854775807'))).toBe(0);
    expect(idOf(2_147_483_647)).toBe(0);
    expect(idOf(-1_000)).toBe(-1_000);
  });
});

describe("IB's times", () => {
  it.each([
    ['20260105  09:30:00', '2026-01-05T14:30:00Z'],
    ['20260105 09:30:00 US/Eastern', '2026-01-05T14:30:00Z'],
    ['20260105 09:30:00 EST', '2026-01-05T14:30:00Z'],
    ['20260705 09:30:00 EST', '2026-07-05T13:30:00Z'],
    ['20260105 15:30:00 Europe/Berlin', '2026-01-05T14:30:00Z'],
    ['20260105-14:30:00', '2026-01-05T14:30:00Z'],
    ['20260105 09:30:00 Nowhere/Land', '2026-01-05T14:30:00Z'],
    // Summer time begins in New York three weeks before it does in Europe.
    ['20260307  09:30:00', '2026-03-07T14:30:00Z'],
    ['20260309  09:30:00', '2026-03-09T13:30:00Z'],
    // Left out by the clock, and repeated by it: the first of the two.
    ['20260308  02:30:00', '2026-03-08T07:30:00Z'],
    ['20261101  01:30:00', '2026-11-01T05:30:00Z'],
    ['20261101  02:30:00', '2026-11-01T07:30:00Z'],
  ])('%s is %s', (text, iso) => {
    expect(new Date(brokerTimeMs(text, NEW_YORK)!).toISOString().replace('.000', '')).toBe(iso);
  });

  it.each(['', 'soon', '20261305  09:30:00', '20260105  25:00:00', '20260105'])('"%s" is none', (text) => {
    expect(brokerTimeMs(text, NEW_YORK)).toBeNull();
  });
});

describe('contracts', () => {
  it('an empty multiplier, which @stoqey/ib makes 0, is 1; rights are one letter or nothing', () => {
    expect(tradedContract({ ...gold, multiplier: 0 }).multiplier).toBe('1');
    expect(tradedContract({ ...gold, multiplier: Number.NaN }).multiplier).toBe('1');
    expect(tradedContract({ ...gold, multiplier: 0.1 }).multiplier).toBe('0.1');
    expect(tradedContract({ ...gold, right: 'CALL' as never }).right).toBe('C');
    expect(tradedContract({ ...gold, right: undefined as never }).right).toBe('');
    expect(tradedContract({}).conId).toBe(0);
  });
});

describe('orders', () => {
  it('0.0 for a price that the order does not have is null, on a combination it is a price', () => {
    const state = { status: OrderStatus.Submitted };
    expect(openOrderFact(9, gold, limit, state)).toMatchObject({
      kind: 'open-order',
      permId: 17,
      clientId: 3,
      orderRef: '',
      status: 'Submitted',
      terms: { limitPrice: '2700.1', stopPrice: null, quantity: '2', trailingPercent: null, ocaType: 3 },
    });
    const market = { ...(limit as object), orderType: OrderType.MKT, lmtPrice: 0 } as never;
    expect(openOrderFact(9, gold, market, state)?.terms.limitPrice).toBeNull();
    const even = { ...(limit as object), lmtPrice: 0 } as never;
    expect(openOrderFact(9, gold, even, state)?.terms.limitPrice).toBe('0');
    const combo = { ...gold, secType: SecType.BAG };
    expect(openOrderFact(9, combo, market, state)?.terms.limitPrice).toBe('0');
  });

  it('the answer to a what-if question is no order', () => {
    const whatIf = { ...(limit as object), whatIf: true } as never;
    expect(openOrderFact(9, gold, whatIf, { status: OrderStatus.PreSubmitted })).toBeUndefined();
  });

  it('what orderStatus leaves out is 0', () => {
    const fact = orderStatusFact(9, 'Filled', 2, undefined, undefined, 17, undefined, 0, 3, undefined);
    expect(fact).toMatchObject({
      filled: '2',
      remaining: '0',
      averageFillPrice: '0',
      parentId: 0,
      whyHeld: '',
    });
  });

  it('a completed order has its time in UTC, null where it cannot be read', () => {
    const order = {
      ...(limit as object),
      filledQuantity: 2,
      parentPermId: Number('9223372036854775807'),
    } as never;
    const state = {
      status: OrderStatus.Filled,
      completedTime: '20260105 09:31:02 US/Eastern',
      completedStatus: 'Filled Size: 2',
    };
    expect(completedOrderFact(gold, order, state, NEW_YORK)).toMatchObject({
      filled: '2',
      parentPermId: 0,
      completedAtMs: Date.parse('2026-01-05T14:31:02Z'),
      completedStatus: 'Filled Size: 2',
    });
    expect(
      completedOrderFact(gold, order, { ...state, completedTime: '?' }, NEW_YORK).completedAtMs,
    ).toBeNull();
  });
});

describe('executions, costs and positions', () => {
  const execution = {
    orderId: 9,
    execId: '00012ec5.6960b9d1.01.01',
    time: '20260105  09:31:00',
    acctNumber: 'DU1',
    exchange: 'COMEX',
    side: 'SLD',
    shares: 1,
    price: 2700.1,
    permId: 17,
    clientId: 3,
    liquidation: 1,
    cumQty: 1,
    avgPrice: 2700.1,
    lastLiquidity: 2 as never,
  };

  it('an execution has its side, its time in UTC and its decimals', () => {
    expect(executionFact(gold, execution, NEW_YORK)).toMatchObject({
      side: 'SELL',
      timeMs: Date.parse('2026-01-05T14:31:00Z'),
      quantity: '1',
      price: '2700.1',
      liquidation: true,
      liquidity: 2,
    });
  });

  it('S038 a later revision of quantity 0 is a bust; a first one of 0, or one without a quantity, is none', () => {
    const told = (more: object) => checkedFact(executionFact(gold, { ...execution, ...more }, NEW_YORK));
    const bust = { execId: '00012ec5.6960b9d1.01.02', shares: 0, cumQty: 0, avgPrice: 0 };
    expect(told(bust)).toMatchObject({ execId: bust.execId, quantity: '0' });
    for (const wrong of [{ shares: 0 }, { ...bust, shares: undefined }, { ...bust, shares: 2_147_483_647 }])
      expect(() => told(wrong)).toThrow(/BROKER_MESSAGE_UNREADABLE.*quantity/);
  });

  it('a number of more than twenty digits before the point makes no sense', () => {
    const told = (price: number) => checkedFact(executionFact(gold, { ...execution, price }, NEW_YORK));
    expect(told(99_999_999_999_999_000_000)).toMatchObject({ price: '99999999999999000000' });
    expect(() => told(100_000_000_000_000_000_000)).toThrow(/price that makes no sense/);
  });

  it.each([{ time: 'soon' }, { side: 'LENT' }, { execId: '' }, { price: Number.MAX_VALUE }])(
    'one with %o is refused rather than guessed',
    (wrong) => {
      expect(() => executionFact(gold, { ...execution, ...wrong }, NEW_YORK)).toThrow(
        /BROKER_MESSAGE_UNREADABLE/,
      );
    },
  );

  it('S039 sentinels of a commission are null: it is not known, or never will be', () => {
    const report = { execId: 'a.01', commission: 2.25, currency: 'USD', realizedPNL: Number.MAX_VALUE };
    expect(commissionFact(report)).toMatchObject({ commission: '2.25', realizedPnl: null });
    expect(commissionFact({ ...report, commission: -1 }).commission).toBeNull();
    expect(commissionFact({ ...report, commission: Number.MAX_VALUE }).commission).toBeNull();
    expect(commissionFact({ ...report, commission: -0.25 }).commission).toBe('-0.25');
    expect(commissionFact({ ...report, commission: 0, currency: '' }).commission).toBeNull();
  });

  it('a commission that names no execution is refused: nobody could take its event', () => {
    const report = { commission: 2.25, currency: 'USD' };
    for (const execId of ['', undefined])
      expect(() => commissionFact({ ...report, execId } as never)).toThrow(/BROKER_MESSAGE_UNREADABLE/);
  });

  it('a position of 0 is a position, one without a size is refused', () => {
    expect(positionFact('DU1', gold, 0, 0)).toMatchObject({ position: '0', averageCost: '0' });
    expect(() => positionFact('DU1', gold, undefined, 5)).toThrow(/no size/);
  });
});

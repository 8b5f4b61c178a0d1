import { describe, expect, it } from 'vitest';
import { legNames, type OrderWish } from '../../../lib/domain/orders/order-wish.ts';
import { canTrade } from '../../../lib/domain/safety/gate.ts';
import type { RiskLimits, TradingPicture } from '../../../lib/domain/safety/gate-types.ts';
import { lossVerdict } from '../../../lib/domain/safety/risk-losses.ts';
import {
  allowedBy,
  bracket,
  leg,
  market,
  noLimits,
  place,
  verdictOf,
  well,
} from '../../helpers/gate-picture.ts';

const withMarket = (more: Partial<TradingPicture['market']>): TradingPicture => ({
  ...well,
  market: { ...well.market, ...more },
});
const withLimits = (limits: Partial<RiskLimits>, more: Partial<TradingPicture> = {}): TradingPicture => ({
  ...well,
  ...more,
  limits: { ...noLimits, ...limits },
});
const flatten = (quantity: string): OrderWish => ({
  command: 'flatten',
  by: 'person',
  conId: 1,
  legs: [leg({ ...market, action: 'SELL', quantity })],
});

describe('the market', () => {
  it.each([
    ['unknown', 'FEED_STALE'],
    ['delayed', 'FEED_DELAYED'],
    ['frozen', 'FEED_DELAYED'],
    ['stale', 'FEED_STALE'],
    ['lost', 'FEED_STALE'],
  ] as const)('a feed that is %s: %s, also for a person who gets out', (feed, code) => {
    const picture = { ...withMarket({ feed }), position: '3' };
    expect(verdictOf(place(), picture)).toBe(code);
    expect(verdictOf(flatten('3'), picture)).toBe(code);
    expect(allowedBy(flatten('3'), picture)).toContain('TWS');
  });

  it.each([null, 'NaN', ''])('no last trade (%j) is no price to measure by', (lastPrice) => {
    expect(verdictOf(place(), withMarket({ lastPrice }))).toBe('FEED_STALE');
  });

  it('a halt and a closed session hold GTC orders too, unless they may work outside of it', () => {
    expect(verdictOf(place(), withMarket({ halted: true }))).toBe('SESSION_CLOSED');
    const closed = withMarket({ session: 'closed' });
    expect(verdictOf(place({ timeInForce: 'GTC' }), closed)).toBe('SESSION_CLOSED');
    expect(verdictOf(place({ timeInForce: 'GTC' }, 'person'), closed)).toBe('SESSION_CLOSED');
    expect(verdictOf(place({ outsideRth: true }), closed)).toBe('send');
    // What the children may do says nothing of the entry.
    expect(verdictOf(bracket({ leg: 'stop-loss', outsideRth: true }), closed)).toBe('SESSION_CLOSED');
  });

  it('hours that nobody knows are closed for programs and open for persons', () => {
    const unknown = withMarket({ session: 'unknown' });
    expect(verdictOf(place(), unknown)).toBe('SESSION_CLOSED');
    expect(verdictOf(place({}, 'person'), unknown)).toBe('send');
  });
});

describe('the price collar', () => {
  const picture = withLimits({ priceCollar: '0.05' });

  it('holds limit and stop prices near the last trade, its edges included', () => {
    expect(verdictOf(place({ limitPrice: '2730' }), picture)).toBe('send');
    expect(verdictOf(place({ limitPrice: '2730.1' }), picture)).toBe('PRICE_COLLAR');
    expect(verdictOf(place({ limitPrice: '2470' }), picture)).toBe('send');
    expect(verdictOf(place({ limitPrice: '2469.9' }), picture)).toBe('PRICE_COLLAR');
    const stop = { orderType: 'STP', limitPrice: null, stopPrice: '26000' } as const;
    expect(verdictOf(place(stop), picture)).toBe('PRICE_COLLAR');
    expect(verdictOf(bracket({ leg: 'stop-loss', stopPrice: '259' }), picture)).toBe('PRICE_COLLAR');
  });

  it('says what would be near enough, on the tick', () => {
    expect(allowedBy(place({ limitPrice: '3000' }), picture)).toBe('From 2470 to 2730.');
    const uneven = { ...picture, market: { ...well.market, lastPrice: '2601.3' } };
    expect(allowedBy(place({ limitPrice: '3000' }), uneven)).toBe('From 2471.3 to 2731.3.');
  });

  it('goes by the size of a price below zero', () => {
    const negative = { ...picture, market: { ...well.market, lastPrice: '-40' } };
    expect(verdictOf(place({ limitPrice: '-38' }), negative)).toBe('send');
    expect(verdictOf(place({ limitPrice: '-42.1' }), negative)).toBe('PRICE_COLLAR');
  });

  it('has no say about an order at the market', () => {
    expect(verdictOf(place(market), picture)).toBe('send');
  });
});

describe('quantity, notional and position', () => {
  it('the quantity of one order; a flatten is as large as what it closes', () => {
    const picture = withLimits({ maxQuantity: '10' }, { position: '15' });
    expect(verdictOf(place({ quantity: '10' }), picture)).toBe('send');
    expect(verdictOf(place({ quantity: '11' }), picture)).toBe('MAX_QUANTITY');
    expect(allowedBy(place({ quantity: '11' }), picture)).toBe('at most 10 in one order.');
    expect(verdictOf(place({ quantity: '15', action: 'SELL' }, 'person'), picture)).toBe('MAX_QUANTITY');
    expect(verdictOf(flatten('15'), picture)).toBe('send');
    expect(
      allowedBy(place({ quantity: '2.0' }), { ...picture, limits: { ...noLimits, maxQuantity: '0.5' } }),
    ).toBe('nothing in one order.');
  });

  it('the notional with the multiplier, at the price that binds the order', () => {
    const picture = withLimits({ maxNotional: '1000000' });
    expect(verdictOf(place({ quantity: '3' }), picture)).toBe('send');
    expect(verdictOf(place({ quantity: '4' }), picture)).toBe('MAX_NOTIONAL');
    expect(canTrade(picture, place({ quantity: '4' }))).toMatchObject({
      message: '4 at 2600.1 with the multiplier 100 are 1040040 USD, more than maxNotional 1000000.',
      allowed: 'at most 3 at that price.',
    });
    expect(verdictOf(place({ quantity: '4', ...market }), picture)).toBe('MAX_NOTIONAL');
    expect(verdictOf(place({ quantity: '4', limitPrice: '2500' }), picture)).toBe('send');
    const stop = { orderType: 'STP LMT', stopPrice: '2490', limitPrice: '2501' } as const;
    expect(verdictOf(place({ quantity: '4', ...stop }), picture)).toBe('MAX_NOTIONAL');
  });

  it('the notional of a negative price is as large', () => {
    const picture = { ...withLimits({ maxNotional: '8000' }), market: { ...well.market, lastPrice: '-40' } };
    expect(verdictOf(place({ quantity: '2', limitPrice: '-40' }), picture)).toBe('send');
    expect(verdictOf(place({ quantity: '2', limitPrice: '-40.1' }), picture)).toBe('MAX_NOTIONAL');
    expect(verdictOf(place({ quantity: '3', ...market, action: 'SELL' }), picture)).toBe('MAX_NOTIONAL');
    const stop = { orderType: 'STP LMT', stopPrice: '-39', limitPrice: '-41' } as const;
    expect(verdictOf(place({ quantity: '2', ...stop }), picture)).toBe('MAX_NOTIONAL');
    expect(verdictOf(place({ quantity: '2', ...stop, stopPrice: '-41', limitPrice: '-39' }), picture)).toBe(
      'MAX_NOTIONAL',
    );
  });

  it('what would be allowed is on the lot', () => {
    const picture = { ...withLimits({ maxNotional: '700000' }), lotSize: '2' };
    expect(allowedBy(place({ quantity: '4' }), picture)).toBe('at most 2 at that price.');
    expect(allowedBy(place({ quantity: '4' }), { ...picture, lotSize: '4' })).toBe('nothing at that price.');
  });

  it('the position once all that works on that side were filled; children of a bracket close, and do not count', () => {
    const picture = withLimits({ maxPosition: '20' }, { position: '12', working: { buy: '5', sell: '30' } });
    expect(verdictOf(place({ quantity: '3' }), picture)).toBe('send');
    expect(verdictOf(place({ quantity: '4' }), picture)).toBe('MAX_POSITION');
    expect(allowedBy(place({ quantity: '4' }), picture)).toBe('BUY of at most 3.');
    expect(verdictOf(place({ quantity: '2', action: 'SELL' }), picture)).toBe('send');
    expect(verdictOf(place({ quantity: '3', action: 'SELL' }), picture)).toBe('MAX_POSITION');
    const three = legNames.map((name) => ({ leg: name, quantity: '3' }));
    expect(verdictOf(bracket(...three), picture)).toBe('send');
    expect(verdictOf(place({ quantity: '1', action: 'SELL' }), { ...picture, position: '-2' })).toBe(
      'MAX_POSITION',
    );
  });

  it('a modified order counts once, with what is not filled of it', () => {
    const modified = { action: 'BUY', quantity: '5', filled: '2', isBracket: false } as const;
    const picture = withLimits({ maxPosition: '20' }, { position: '12', modified });
    const modify = (quantity: string): OrderWish => ({ ...place({ quantity }), command: 'modify' });
    expect(verdictOf(modify('10'), picture)).toBe('send');
    expect(verdictOf(modify('11'), picture)).toBe('MAX_POSITION');
    expect(allowedBy(modify('11'), picture)).toBe('BUY of at most 10.');
  });

  it('limits that are none limit everything', () => {
    for (const name of [
      'priceCollar',
      'maxQuantity',
      'maxNotional',
      'maxPosition',
      'maxDailyLoss',
      'maxDrawdown',
    ]) {
      expect(verdictOf(place(), withLimits({ [name]: 'none' })), name).not.toBe('send');
    }
    expect(verdictOf(place(), withLimits({ maxOpenOrders: 5 }, { openOrders: Number.NaN }))).toBe(
      'MAX_OPEN_ORDERS',
    );
  });
});

describe('how many orders', () => {
  it('work: each leg is one', () => {
    const picture = withLimits({ maxOpenOrders: 5 }, { openOrders: 2 });
    expect(verdictOf(bracket(), picture)).toBe('send');
    expect(verdictOf(bracket(), { ...picture, openOrders: 3 })).toBe('MAX_OPEN_ORDERS');
    expect(allowedBy(bracket(), { ...picture, openOrders: 3 })).toContain('2 more');
    expect(allowedBy(place(), { ...picture, openOrders: 9 })).toMatch(/^0 more/);
  });

  it('leave within a minute', () => {
    const picture = withLimits({ maxOrdersPerMinute: 5 }, { ordersLastMinute: 2 });
    expect(verdictOf(bracket(), picture)).toBe('send');
    expect(verdictOf(bracket(), { ...picture, ordersLastMinute: 3 })).toBe('ORDER_RATE');
    expect(verdictOf(place(), { ...picture, ordersLastMinute: 4 })).toBe('send');
  });
});

describe('losses', () => {
  const value = { now: '94999', atStart: '100000', peak: '103000', ageMs: 0 };

  it.each<[Partial<RiskLimits>, Partial<TradingPicture['value']>, string]>([
    [{ maxDailyLoss: '5001' }, {}, 'send'],
    [{ maxDailyLoss: '5000' }, {}, 'DAILY_LOSS'],
    [{ maxDrawdown: '8001' }, {}, 'send'],
    [{ maxDrawdown: '8000' }, {}, 'DRAWDOWN'],
    [{ maxDailyLoss: '0' }, { now: '100000' }, 'send'],
    [{ maxDailyLoss: '0' }, { now: '99999.99' }, 'DAILY_LOSS'],
    [{ maxDailyLoss: '1' }, { now: null }, 'DAILY_LOSS'],
    [{ maxDailyLoss: '1' }, { atStart: null }, 'DAILY_LOSS'],
    [{ maxDailyLoss: '1' }, { now: 'NaN' }, 'DAILY_LOSS'],
    [{ maxDrawdown: '1' }, { peak: null }, 'DRAWDOWN'],
    [{ maxDailyLoss: '9000' }, { peak: null }, 'send'],
    [{}, { now: null, atStart: null, peak: null }, 'send'],
    // A word of more than ten minutes ago says nothing of what was lost since.
    [{ maxDrawdown: '8001' }, { ageMs: 600_000 }, 'send'],
    [{ maxDrawdown: '8001' }, { ageMs: 600_001 }, 'DRAWDOWN'],
    [{ maxDailyLoss: '9000' }, { ageMs: 600_001 }, 'DAILY_LOSS'],
    [{ maxDailyLoss: '9000' }, { ageMs: Number.NaN }, 'DAILY_LOSS'],
    [{ maxDailyLoss: '9000' }, { ageMs: null }, 'DAILY_LOSS'],
    [{}, { ageMs: null }, 'send'],
  ])('%o with %o: %s', (limits, more, code) => {
    const picture = withLimits(limits, { value: { ...value, ...more } });
    expect(verdictOf(place(), picture)).toBe(code);
  });

  it('say how much was lost', () => {
    const picture = withLimits({ maxDailyLoss: '5000' }, { value });
    expect(canTrade(picture, place())).toMatchObject({
      message:
        'The account is worth 94999, and was worth 100000 when the session date began: a loss of 5001, more than maxDailyLoss 5000.',
    });
  });

  it('hold nobody in a position: neither they nor notional and position', () => {
    const limits = { maxDailyLoss: '1', maxDrawdown: '1', maxNotional: '1', maxPosition: '1' };
    const picture = withLimits(limits, { value, position: '3' });
    expect(verdictOf(place({ action: 'SELL', quantity: '2' }), picture)).toBe('send');
    expect(verdictOf(flatten('3'), picture)).toBe('send');
    expect(verdictOf(place({ action: 'SELL', quantity: '4' }), picture)).toBe('MAX_NOTIONAL');
    expect(
      verdictOf(place({ action: 'SELL', quantity: '2' }), { ...picture, value: { ...value, now: null } }),
    ).toBe('send');
  });

  it('do not keep a stop from being moved', () => {
    const modified = { action: 'SELL', quantity: '1', filled: '0', isBracket: true } as const;
    const limits = { maxDailyLoss: '1', maxPosition: '1', maxNotional: '1' };
    const picture = withLimits(limits, { value, position: '-1', modified });
    const stop = {
      leg: 'stop-loss',
      action: 'SELL',
      orderType: 'STP',
      limitPrice: null,
      stopPrice: '2595',
    } as const;
    expect(verdictOf({ ...place(stop), command: 'modify' }, picture)).toBe('send');
  });

  it('halt by themselves, with their words, and not on what nobody knows', () => {
    const limits = { ...noLimits, maxDailyLoss: '5000', maxDrawdown: '8000' };
    expect(lossVerdict(limits, value)).toMatchObject({
      code: 'DAILY_LOSS',
      message: expect.stringContaining('a loss of 5001, more than maxDailyLoss 5000'),
    });
    expect(lossVerdict(limits, { ...value, now: '95000', atStart: '95000' })).toBeUndefined();
    expect(lossVerdict(limits, { ...value, now: '94000', atStart: '94000' })).toMatchObject({
      code: 'DRAWDOWN',
      message: expect.stringContaining('9000 less, more than maxDrawdown 8000'),
    });
    // The peak that was kept may be older than the value that is now told.
    expect(lossVerdict(limits, { now: '92000', atStart: '92000', peak: '90000' })).toBeUndefined();
    expect(lossVerdict(limits, { now: null, atStart: '1', peak: '1' })).toBeUndefined();
    expect(lossVerdict(limits, { now: '1', atStart: null, peak: null })).toBeUndefined();
    expect(lossVerdict(noLimits, { ...value, now: '-1000000' })).toBeUndefined();
  });
});

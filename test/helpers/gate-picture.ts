/** A picture in which everything is well, and wishes that pass it: a test changes what it is about. */
import type { Instrument } from '../../lib/domain/market/instrument.ts';
import type { OrderWish, WishedLeg } from '../../lib/domain/orders/order-wish.ts';
import { firstFlags } from '../../lib/domain/safety/flags.ts';
import { canTrade } from '../../lib/domain/safety/gate.ts';
import type { RiskLimits, TradingPicture } from '../../lib/domain/safety/gate-types.ts';

/** A gold future: 100 ounces, tick 0.1; the last trade is at 2600. */
export const gold: Instrument = {
  conId: 1,
  configured: 'GC',
  symbol: 'GC',
  localSymbol: 'GCG6',
  secType: 'FUT',
  exchange: 'COMEX',
  currency: 'USD',
  multiplier: '100',
  minTick: '0.1',
  timeZone: 'US/Eastern',
  tradingHours: '',
};

export const spy: Instrument = {
  ...gold,
  conId: 2,
  configured: 'SPY',
  symbol: 'SPY',
  localSymbol: 'SPY',
  secType: 'STK',
  exchange: 'SMART',
  multiplier: '1',
  minTick: '0.01',
};

export const noLimits: RiskLimits = {
  maxQuantity: null,
  maxNotional: null,
  maxPosition: null,
  maxOpenOrders: null,
  maxOrdersPerMinute: null,
  maxDailyLoss: null,
  maxDrawdown: null,
  priceCollar: null,
};

export const someLimits: RiskLimits = {
  maxQuantity: '10',
  maxNotional: '2000000',
  maxPosition: '20',
  maxOpenOrders: 50,
  maxOrdersPerMinute: 30,
  maxDailyLoss: '5000',
  maxDrawdown: '5000',
  priceCollar: '0.05',
};

export const well: TradingPicture = {
  flags: {
    flags: { ...firstFlags, DRY_RUN: false, SAFE_MODE: false },
    source: 'stored',
    problem: '',
    changedBy: 'me',
    reason: 'first paper day',
    changedAt: '2026-01-05T14:00:00.000Z',
  },
  lock: {
    state: 'open',
    reason: 'reconciled',
    runId: 'run-1',
    token: 7,
    source: 'stored',
    changedAt: '2026-01-05T14:00:00.000Z',
    changedBy: 'run-1',
  },
  trading: { mode: 'active', by: '', reason: '', at: '', source: 'first' },
  lease: { held: true, token: 7 },
  session: { ready: true, canClose: true, phase: 'ready', readOnlyApi: false },
  account: { account: 'DU1', stage: 'paper', port: 4002, managed: ['DU1'] },
  instrument: gold,
  lotSize: '1',
  market: { feed: 'live', lastPrice: '2600', session: 'open', halted: false },
  position: '0',
  working: { buy: '0', sell: '0' },
  modified: null,
  openOrders: 0,
  ordersLastMinute: 0,
  value: { now: '100000', atStart: '100000', peak: '100000', ageMs: 0 },
  limits: someLimits,
};

export const locked: TradingPicture['lock'] = {
  ...well.lock,
  state: 'locked',
  reason: 'UNPROTECTED_POSITION',
};

export const leg = (more: Partial<WishedLeg> = {}): WishedLeg => ({
  leg: 'entry',
  action: 'BUY',
  quantity: '1',
  orderType: 'LMT',
  limitPrice: '2600.1',
  stopPrice: null,
  timeInForce: 'DAY',
  outsideRth: false,
  ...more,
});

export const market = { orderType: 'MKT', limitPrice: null } as const;

export const place = (more: Partial<WishedLeg> = {}, by: OrderWish['by'] = 'program'): OrderWish => ({
  command: 'place',
  by,
  conId: 1,
  legs: [leg(more)],
});

/** Buys at 2600.1, takes its profit at 2620, and stops at 2590. */
export const bracket = (...changes: readonly (Partial<WishedLeg> & Pick<WishedLeg, 'leg'>)[]): OrderWish => {
  const legs = [
    leg(),
    leg({ leg: 'take-profit', action: 'SELL', limitPrice: '2620' }),
    leg({ leg: 'stop-loss', action: 'SELL', orderType: 'STP', limitPrice: null, stopPrice: '2590' }),
  ];
  return {
    command: 'place-bracket',
    by: 'program',
    conId: 1,
    legs: legs.map((each) => ({ ...each, ...changes.find((change) => change.leg === each.leg) })),
  };
};

/** `send`, `would-send`, or the code of the denial. */
export function verdictOf(wish: OrderWish, picture: TradingPicture = well): string {
  const verdict = canTrade(picture, wish);
  return verdict.verdict === 'deny' ? verdict.code : verdict.verdict;
}

/** What the denial says would be allowed; fails where nothing is denied. */
export function allowedBy(wish: OrderWish, picture: TradingPicture = well): string {
  const verdict = canTrade(picture, wish);
  if (verdict.verdict !== 'deny') throw new TypeError(`nothing was denied: ${verdict.verdict}`);
  return verdict.allowed;
}

import { describe, expect, it } from 'vitest';
import type { OrderWish } from '../../../lib/domain/orders/order-wish.ts';
import { firstFlags, readFlags, unreadableFlags } from '../../../lib/domain/safety/flags.ts';
import { canTrade } from '../../../lib/domain/safety/gate.ts';
import type { TradingPicture } from '../../../lib/domain/safety/gate-types.ts';
import { readLock, unreadableLock } from '../../../lib/domain/safety/lock.ts';
import { readTradingState } from '../../../lib/domain/safety/trading-state.ts';
import {
  allowedBy,
  bracket,
  leg,
  locked,
  market,
  place,
  verdictOf,
  well,
} from '../../helpers/gate-picture.ts';

const withFlags = (flags: Partial<typeof firstFlags>): TradingPicture => ({
  ...well,
  flags: { ...well.flags, flags: { ...well.flags.flags, ...flags } },
});
const withAccount = (account: Partial<TradingPicture['account']>): TradingPicture => ({
  ...well,
  account: { ...well.account, ...account },
});
const tradingIn = (mode: TradingPicture['trading']['mode']): TradingPicture['trading'] => ({
  mode,
  by: 'me',
  reason: 'news',
  at: '2026-01-05T14:00:00.000Z',
  source: 'stored',
});
const flatten = (action: 'BUY' | 'SELL', quantity: string): OrderWish => ({
  command: 'flatten',
  by: 'person',
  conId: 1,
  legs: [leg({ ...market, action, quantity })],
});
const modify = (): OrderWish => ({ ...place(), command: 'modify' });
const modified = { action: 'BUY', quantity: '1', filled: '0', isBracket: false } as const;
const everyCommand = [place(), bracket(), modify(), flatten('SELL', '3')];

describe('an order leaves', () => {
  it('when all is well', () => {
    expect(canTrade(well, place())).toEqual({ verdict: 'send' });
    expect(canTrade(well, bracket())).toEqual({ verdict: 'send' });
    expect(verdictOf(modify(), { ...well, modified })).toBe('send');
    expect(verdictOf(flatten('SELL', '3'), { ...well, position: '3' })).toBe('send');
  });

  it('not in a dry run, which says what it would be, and only when all else has passed', () => {
    const dry = withFlags({ DRY_RUN: true });
    expect(canTrade(dry, place())).toEqual({
      verdict: 'would-send',
      message: 'DRY_RUN is on: BUY 1 GCG6 LMT 2600.1 DAY would be sent, and is not.',
    });
    expect(canTrade(dry, bracket())).toMatchObject({
      message:
        'DRY_RUN is on: BUY 1 GCG6 LMT 2600.1 DAY, take-profit SELL 1 GCG6 LMT 2620 DAY, stop-loss SELL 1 GCG6 STP stop 2590 DAY would be sent, and is not.',
    });
    expect(canTrade({ ...dry, modified }, modify())).toMatchObject({
      message: 'DRY_RUN is on: the entry changed to BUY 1 GCG6 LMT 2600.1 DAY would be sent, and is not.',
    });
    expect(verdictOf(place({ quantity: '11' }), dry)).toBe('MAX_QUANTITY');
  });
});

describe('what holds the account', () => {
  it.each(everyCommand)('SAFE_MODE blocks $command', (wish) => {
    const picture = { ...withFlags({ SAFE_MODE: true }), position: '3', modified };
    expect(verdictOf(wish, picture)).toBe('SAFE_MODE');
    expect(verdictOf({ ...wish, by: 'person' }, picture)).toBe('SAFE_MODE');
  });

  it('flags that nobody has set are SAFE_MODE; flags that cannot be read have a code of their own', () => {
    expect(verdictOf(place(), { ...well, flags: readFlags(undefined) })).toBe('SAFE_MODE');
    expect(verdictOf(place(), { ...well, flags: unreadableFlags('no answer') })).toBe('FLAGS_UNREADABLE');
    expect(verdictOf(place(), { ...well, flags: readFlags({ DRY_RUN: 'no' }) })).toBe('FLAGS_UNREADABLE');
  });

  it.each(everyCommand)('without the lease nothing leaves: $command', (wish) => {
    const picture = { ...well, lease: { held: false, token: 7 }, position: '3', modified };
    expect(verdictOf({ ...wish, by: 'person' }, picture)).toBe('LEASE_LOST');
  });

  it('the lock counts for the term of the lease that it was opened for', () => {
    expect(verdictOf(place(), { ...well, lock: locked })).toBe('RECONCILE_LOCKED');
    expect(verdictOf(place(), { ...well, lease: { held: true, token: 8 } })).toBe('RECONCILE_LOCKED');
    expect(verdictOf(place(), { ...well, lock: readLock(undefined) })).toBe('RECONCILE_LOCKED');
    expect(verdictOf(place(), { ...well, lock: unreadableLock('no answer') })).toBe('RECONCILE_LOCKED');
  });

  describe('the lock lets through what a person needs to get out', () => {
    const long = { ...well, lock: locked, position: '3' };
    const short = { ...well, lock: locked, position: '-3' };
    const stop = { orderType: 'STP', limitPrice: null, stopPrice: '2590' } as const;

    it('an order that makes the position smaller, or a stop of its size', () => {
      expect(verdictOf(place({ action: 'SELL', ...market }, 'person'), long)).toBe('send');
      expect(verdictOf(place({ action: 'SELL', quantity: '3', ...stop }, 'person'), long)).toBe('send');
      expect(verdictOf(place({ action: 'BUY', quantity: '3', ...market }, 'person'), short)).toBe('send');
      expect(verdictOf(flatten('SELL', '3'), long)).toBe('send');
    });

    it.each<[string, OrderWish, TradingPicture]>([
      ['of a program', place({ action: 'SELL', ...market }), long],
      ['on the side of the position', place({ action: 'BUY', ...market }, 'person'), long],
      ['that turns it round', place({ action: 'SELL', quantity: '4', ...market }, 'person'), long],
      ['without a position', place({ action: 'SELL', ...market }, 'person'), { ...long, position: '0' }],
      [
        'beside working orders that close it already',
        place({ action: 'SELL', quantity: '2', ...market }, 'person'),
        { ...long, working: { buy: '0', sell: '2' } },
      ],
      ['a bracket', { ...bracket(), by: 'person' }, short],
      ['a modification', { ...modify(), by: 'person' }, { ...short, modified }],
      ['of a quantity that is none', place({ action: 'SELL', quantity: '-1', ...market }, 'person'), long],
    ])('but none %s', (_what, wish, picture) => {
      expect(verdictOf(wish, picture)).toBe('RECONCILE_LOCKED');
    });

    it('and says what it would let through', () => {
      const buy = place({ ...market }, 'person');
      expect(allowedBy(buy, { ...long, working: { buy: '9', sell: '1' } })).toContain('SELL of at most 2.');
      expect(allowedBy(buy, { ...long, position: '0' })).toContain('there is no position');
      expect(allowedBy(buy, { ...long, working: { buy: '0', sell: '3' } })).toContain(
        'working SELL orders of 3 already close the position of 3; cancel one of them first',
      );
    });
  });

  it.each(everyCommand)('halted: no $command, whoever asks', (wish) => {
    const picture = { ...well, trading: tradingIn('halted'), position: '3', modified };
    expect(verdictOf({ ...wish, by: 'person' }, picture)).toBe('HALTED');
    expect(verdictOf(wish, { ...picture, trading: readTradingState({ mode: 'on' }) })).toBe('HALTED');
  });

  it('reduce-only: of anybody what makes the position smaller, and nothing else', () => {
    const picture = { ...well, trading: tradingIn('reduce-only'), position: '3' };
    expect(verdictOf(place({ action: 'SELL' }), picture)).toBe('send');
    expect(verdictOf(flatten('SELL', '3'), picture)).toBe('send');
    expect(verdictOf(place(), picture)).toBe('REDUCE_ONLY');
    expect(verdictOf(bracket(), picture)).toBe('REDUCE_ONLY');
    expect(verdictOf(modify(), { ...picture, modified })).toBe('REDUCE_ONLY');
    expect(allowedBy(place(), picture)).toContain('SELL of at most 3');
  });
});

describe('where it goes', () => {
  it('nowhere without a session, or with a read-only one', () => {
    const { session } = well;
    const lost = { ...session, ready: false, canClose: false, phase: 'lost' };
    expect(verdictOf(place(), { ...well, session: lost })).toBe('NOT_CONNECTED');
    expect(verdictOf(place(), { ...well, session: { ...session, readOnlyApi: true } })).toBe('API_READ_ONLY');
  });

  it('nowhere while the lists of a session that is ready are not whole, and says so', () => {
    const session = { ...well.session, ready: false, canClose: false };
    const picture = { ...well, session, position: '3' };
    for (const wish of [place(), { ...flatten('SELL', '3'), by: 'person' as const }])
      expect(canTrade(picture, wish)).toMatchObject({
        code: 'NOT_CONNECTED',
        message: expect.stringContaining('its lists of orders and positions are not whole') as string,
      });
  });

  it('where positions and open orders are whole, and another list is not: what a person closes, and nothing else', () => {
    const picture = { ...well, session: { ...well.session, ready: false }, position: '3', modified };
    const sell = place({ action: 'SELL', quantity: '3' });
    const byPerson = (wish: OrderWish): OrderWish => ({ ...wish, by: 'person' });
    expect(verdictOf(byPerson(sell), picture)).toBe('send');
    expect(verdictOf(byPerson(flatten('SELL', '3')), picture)).toBe('send');
    for (const wish of [
      sell,
      { ...flatten('SELL', '3'), by: 'program' as const },
      byPerson(place()),
      byPerson(place({ action: 'SELL', quantity: '4' })),
      byPerson(bracket()),
      byPerson(modify()),
    ])
      expect(verdictOf(wish, picture)).toBe('NOT_CONNECTED');
    const working = { buy: '0', sell: '1' };
    expect(verdictOf(byPerson(sell), { ...picture, working })).toBe('NOT_CONNECTED');
    expect(allowedBy(byPerson(sell), { ...picture, working })).toContain('SELL of at most 2');
    expect(
      verdictOf(byPerson(sell), { ...picture, session: { ...picture.session, readOnlyApi: true } }),
    ).toBe('API_READ_ONLY');
  });

  it('nowhere while position or working orders are no figures: every comparison with them would pass', () => {
    expect(verdictOf(place(), { ...well, position: 'NaN' })).toBe('NOT_CONNECTED');
    expect(verdictOf(place(), { ...well, working: { buy: '', sell: '0' } })).toBe('NOT_CONNECTED');
    expect(verdictOf(place(), { ...well, working: { buy: '-5', sell: '0' } })).toBe('NOT_CONNECTED');
  });

  it.each<[Partial<TradingPicture['account']>, string]>([
    [{ managed: ['DU2', 'DU1'] }, 'send'],
    [{ managed: ['DU2'] }, 'ACCOUNT_MISMATCH'],
    [{ managed: [] }, 'ACCOUNT_MISMATCH'],
    [{ stage: 'live' }, 'ACCOUNT_MISMATCH'],
    [{ account: 'U1', managed: ['U1'] }, 'ACCOUNT_MISMATCH'],
    [{ account: 'U1', managed: ['U1'], stage: 'live' }, 'PORT_MISMATCH'],
    [{ account: 'U1', managed: ['U1'], stage: 'live', port: 7497 }, 'PORT_MISMATCH'],
    [{ account: 'U1', managed: ['U1'], stage: 'live', port: 4001 }, 'send'],
    [{ account: 'U1', managed: ['U1'], stage: 'live', port: 7496 }, 'send'],
    [{ account: 'U1', managed: ['U1'], stage: 'live', port: 5000 }, 'send'],
    [{ account: 'DF1', managed: ['DF1'] }, 'send'],
    [{ port: 4001 }, 'PORT_MISMATCH'],
    [{ port: 7496 }, 'PORT_MISMATCH'],
    [{ port: 4003 }, 'PORT_MISMATCH'],
    [{ port: 7497 }, 'send'],
    [{ port: 5000 }, 'send'],
    [{ stage: 'sandbox' }, 'send'],
    [{ stage: 'sandbox', port: 4001 }, 'PORT_MISMATCH'],
    [{ stage: 'sandbox', account: 'U1', managed: ['U1'] }, 'ACCOUNT_MISMATCH'],
  ])('%o: %s', (account, code) => {
    expect(verdictOf(place(), withAccount(account))).toBe(code);
  });
});

describe('an account that is none of the login', () => {
  it('is told with those that are', () => {
    expect(allowedBy(place(), withAccount({ managed: ['DU2', 'DU3'] }))).toContain('DU2, DU3');
    expect(allowedBy(place(), withAccount({ managed: [] }))).toContain(
      'once the gateway has named its accounts',
    );
  });
});

describe('one answer of several', () => {
  it('what holds the account comes before what the order says, and a dry run last', () => {
    const wrong = place({ quantity: 'NaN' });
    const picture = { ...withFlags({ DRY_RUN: true }), lock: locked };
    expect(verdictOf(wrong, { ...picture, flags: { ...picture.flags, flags: firstFlags } })).toBe(
      'SAFE_MODE',
    );
    expect(verdictOf(wrong, picture)).toBe('RECONCILE_LOCKED');
    expect(verdictOf(wrong, withFlags({ DRY_RUN: true }))).toBe('QUANTITY_INVALID');
  });
});

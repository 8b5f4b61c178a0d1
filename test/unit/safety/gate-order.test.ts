import { describe, expect, it } from 'vitest';
import type { OrderWish, WishedLeg } from '../../../lib/domain/orders/order-wish.ts';
import type { TradingPicture } from '../../../lib/domain/safety/gate-types.ts';
import {
  allowedBy,
  bracket,
  gold,
  leg,
  market,
  noLimits,
  place,
  spy,
  verdictOf,
  well,
} from '../../helpers/gate-picture.ts';

const open = { ...well, limits: noLimits };
const modify = (more: Partial<WishedLeg>): OrderWish => ({ ...place(more), command: 'modify' });
const stopLoss = {
  leg: 'stop-loss',
  action: 'SELL',
  orderType: 'STP',
  limitPrice: null,
  stopPrice: '2590',
} as const;

describe('the contract', () => {
  it('must be one of a line, and have figures to compute with', () => {
    expect(verdictOf(place(), { ...well, instrument: undefined })).toBe('CONTRACT_UNKNOWN');
    expect(verdictOf(place(), { ...well, instrument: spy })).toBe('CONTRACT_UNKNOWN');
    for (const wrong of [{ multiplier: '' }, { multiplier: '0' }, { minTick: 'NaN' }, { minTick: '-1' }]) {
      expect(verdictOf(place(), { ...well, instrument: { ...gold, ...wrong } })).toBe('CONTRACT_UNKNOWN');
    }
    expect(verdictOf(place(), { ...well, lotSize: '0' })).toBe('CONTRACT_UNKNOWN');
  });
});

describe('a bracket', () => {
  it('is an entry with one child or two', () => {
    const { legs } = bracket();
    expect(verdictOf({ ...bracket(), legs: legs.slice(0, 2) })).toBe('send');
    expect(verdictOf({ ...bracket(), legs: [legs[0]!, legs[2]!] })).toBe('send');
    for (const wrong of [[], legs.slice(0, 1), legs.slice(1), [...legs, legs[2]!], [legs[0]!, ...legs]]) {
      expect(verdictOf({ ...bracket(), legs: wrong })).toBe('BRACKET_INVALID');
    }
  });

  it.each<[string, Partial<WishedLeg> & Pick<WishedLeg, 'leg'>]>([
    ['a child on the side of its entry', { leg: 'stop-loss', action: 'BUY' }],
    ['a child with another quantity', { leg: 'take-profit', quantity: '2' }],
    [
      'a stop-loss that is no stop',
      { leg: 'stop-loss', orderType: 'LMT', limitPrice: '2590', stopPrice: null },
    ],
    [
      'a take-profit that is no limit',
      { leg: 'take-profit', orderType: 'STP', limitPrice: null, stopPrice: '2620' },
    ],
    ['a stop on the winning side', { leg: 'stop-loss', stopPrice: '2600.2' }],
    ['a stop at the entry', { leg: 'stop-loss', stopPrice: '2600.1' }],
    ['a target on the losing side', { leg: 'take-profit', limitPrice: '2600' }],
  ])('is not %s', (_what, change) => {
    expect(verdictOf(bracket(change))).toBe('BRACKET_INVALID');
  });

  it('takes a quantity as a number, not as a text', () => {
    expect(verdictOf(bracket({ leg: 'take-profit', quantity: '1.0' }))).toBe('send');
  });

  it('of a sale is the other way round', () => {
    const short = (stop: string, target: string) =>
      bracket(
        { leg: 'entry', action: 'SELL' },
        { leg: 'stop-loss', action: 'BUY', stopPrice: stop },
        { leg: 'take-profit', action: 'BUY', limitPrice: target },
      );
    expect(verdictOf(short('2610', '2590'))).toBe('send');
    expect(verdictOf(short('2590', '2610'))).toBe('BRACKET_INVALID');
    expect(allowedBy(short('2600', '2590'))).toBe('stop-loss above 2600.1.');
  });

  it('at the market is measured by the last trade, one at a stop-limit by both of its prices', () => {
    expect(verdictOf(bracket({ leg: 'entry', ...market }))).toBe('send');
    expect(verdictOf(bracket({ leg: 'entry', ...market }, { leg: 'stop-loss', stopPrice: '2600' }))).toBe(
      'BRACKET_INVALID',
    );
    const entry = { leg: 'entry', orderType: 'STP LMT', stopPrice: '2605', limitPrice: '2607' } as const;
    expect(verdictOf(bracket(entry, { leg: 'stop-loss', stopPrice: '2604.9' }))).toBe('send');
    expect(verdictOf(bracket(entry, { leg: 'stop-loss', stopPrice: '2606' }))).toBe('BRACKET_INVALID');
    expect(verdictOf(bracket(entry, { leg: 'take-profit', limitPrice: '2606' }))).toBe('BRACKET_INVALID');
  });

  it('has no child without its parent', () => {
    expect(verdictOf(place(stopLoss))).toBe('BRACKET_INVALID');
    expect(allowedBy(place(stopLoss))).toContain('`place-bracket`');
    expect(verdictOf({ ...place(), legs: [leg(), leg()] })).toBe('BRACKET_INVALID');
    expect(verdictOf({ ...place(), legs: [] })).toBe('BRACKET_INVALID');
  });
});

describe('a modification', () => {
  const modified = { action: 'BUY', quantity: '5', filled: '2', isBracket: false } as const;
  const picture = { ...well, modified };
  const stop = {
    ...picture,
    modified: { action: 'SELL', quantity: '5', filled: '0', isBracket: true },
  } as const;

  it('needs the order that it changes, on its side', () => {
    expect(verdictOf(modify({ quantity: '5' }), well)).toBe('ORDER_UNKNOWN');
    expect(verdictOf(modify({ quantity: '5' }), picture)).toBe('send');
    expect(verdictOf(modify({ quantity: '5', action: 'SELL' }), picture)).toBe('COMMAND_INVALID');
  });

  it('cannot go below what is filled', () => {
    expect(verdictOf(modify({ quantity: '3' }), picture)).toBe('send');
    expect(verdictOf(modify({ quantity: '2' }), picture)).toBe('QUANTITY_INVALID');
    expect(allowedBy(modify({ quantity: '2' }), picture)).toContain('More than 2');
  });

  it('of a bracket changes prices, not quantities: the other legs would keep theirs', () => {
    expect(verdictOf(modify({ ...stopLoss, quantity: '5', stopPrice: '2599' }), stop)).toBe('send');
    expect(verdictOf(modify({ ...stopLoss, quantity: '6' }), stop)).toBe('BRACKET_INVALID');
    expect(allowedBy(modify({ ...stopLoss, quantity: '4' }), stop)).toContain('stop-loss of 5');
    expect(
      verdictOf(modify({ quantity: '6' }), { ...picture, modified: { ...modified, isBracket: true } }),
    ).toBe('BRACKET_INVALID');
  });

  it('of a stop may lock in a profit: it is not measured by its entry any more', () => {
    expect(verdictOf(modify({ ...stopLoss, quantity: '5', stopPrice: '2610' }), stop)).toBe('send');
  });

  it('does not make a stop of a target', () => {
    expect(verdictOf(modify({ leg: 'stop-loss', action: 'SELL', quantity: '5' }), stop)).toBe(
      'BRACKET_INVALID',
    );
  });
});

describe('a flatten', () => {
  const flatten = (action: 'BUY' | 'SELL', quantity: string): OrderWish => ({
    command: 'flatten',
    by: 'person',
    conId: 1,
    legs: [leg({ ...market, action, quantity })],
  });

  it('closes, and never turns round what has changed meanwhile', () => {
    const long = { ...well, position: '3' };
    expect(verdictOf(flatten('SELL', '3'), well)).toBe('NOTHING_TO_FLATTEN');
    expect(verdictOf(flatten('SELL', '3'), long)).toBe('send');
    expect(verdictOf(flatten('SELL', '4'), long)).toBe('COMMAND_INVALID');
    expect(verdictOf(flatten('BUY', '3'), long)).toBe('COMMAND_INVALID');
    expect(verdictOf(flatten('BUY', '3'), { ...well, position: '-3' })).toBe('send');
  });
});

describe('a quantity', () => {
  it.each([
    '',
    ' 1',
    '0',
    '-1',
    '-0',
    '+1',
    '1e1',
    'NaN',
    'Infinity',
    '0x1',
    '1,000',
    '.5',
    '5.',
    '１',
    'one',
  ])('%j is none', (quantity) => {
    expect(verdictOf(place({ quantity }))).toBe('QUANTITY_INVALID');
    expect(allowedBy(place({ quantity }))).toContain('in steps of 1');
  });

  it('keeps its digits on the way to the broker', () => {
    expect(verdictOf(place({ quantity: '9007199254740993' }), open)).toBe('QUANTITY_INVALID');
    expect(verdictOf(place({ quantity: '900719925474099' }), open)).toBe('send');
    expect(verdictOf(place({ quantity: '1.0000000000000000000000000000000000000' }), open)).toBe('send');
    expect(verdictOf(place({ quantity: '9'.repeat(1_000_000) }), open)).toBe('QUANTITY_INVALID');
  });

  it.each([
    ['1.5', '1', '1 or 2.'],
    ['0.5', '1', '1.'],
    ['0.00015', '0.0001', '0.0001 or 0.0002.'],
    ['150', '100', '100 or 200.'],
  ])('%s is off the lot of %s: %s', (quantity, lotSize, allowed) => {
    const picture = { ...open, lotSize };
    expect(verdictOf(place({ quantity }), picture)).toBe('LOT_SIZE');
    expect(allowedBy(place({ quantity }), picture)).toBe(allowed);
  });
});

describe('a price', () => {
  it.each<[Partial<WishedLeg>, string]>([
    [{ orderType: 'LMT', limitPrice: null }, 'PRICE_INVALID'],
    [{ orderType: 'LMT', stopPrice: '2600' }, 'PRICE_INVALID'],
    [{ orderType: 'MKT' }, 'PRICE_INVALID'],
    [{ orderType: 'MKT', limitPrice: null }, 'send'],
    [{ orderType: 'STP', limitPrice: null, stopPrice: '2601' }, 'send'],
    [{ orderType: 'STP', limitPrice: '2601', stopPrice: '2601' }, 'PRICE_INVALID'],
    [{ orderType: 'STP LMT', limitPrice: '2601', stopPrice: '2601' }, 'send'],
    [{ orderType: 'STP LMT', limitPrice: '2601' }, 'PRICE_INVALID'],
  ])('is there exactly where the type has one: %o is %s', (more, code) => {
    expect(verdictOf(place(more))).toBe(code);
  });

  it.each([
    '',
    'NaN',
    '2.6e3',
    '+2600',
    '2600.',
    ' 2600',
    '-Infinity',
    '2600.1000000000001',
    '9'.repeat(100),
  ])('%j is none', (limitPrice) => {
    expect(verdictOf(place({ limitPrice }), open)).toBe('PRICE_INVALID');
  });

  it('may be 0 or less for a future, and for nothing that cannot', () => {
    const free = (secType: string): TradingPicture => ({ ...open, instrument: { ...gold, secType } });
    for (const limitPrice of ['-37.6', '0']) {
      expect(verdictOf(place({ limitPrice }), free('FUT'))).toBe('send');
      expect(verdictOf(place({ limitPrice }), free('STK'))).toBe('PRICE_INVALID');
      expect(verdictOf(place({ limitPrice }), free('OPT'))).toBe('PRICE_INVALID');
    }
  });

  it.each([
    ['2600.15', '0.1', '2600.1 or 2600.2.'],
    ['2600.1', '0.25', '2600 or 2600.25.'],
    ['-0.05', '0.1', '-0.1 or 0.'],
    ['-37.63', '0.01', undefined],
    ['2600.123456', '0', undefined],
  ])('%s with a tick of %s: %s', (limitPrice, minTick, allowed) => {
    const picture = { ...open, instrument: { ...gold, minTick } };
    expect(verdictOf(place({ limitPrice }), picture)).toBe(allowed === undefined ? 'send' : 'TICK_SIZE');
    if (allowed !== undefined) expect(allowedBy(place({ limitPrice }), picture)).toBe(allowed);
  });

  it('of a child is checked as well', () => {
    expect(verdictOf(bracket({ leg: 'stop-loss', stopPrice: '2590.05' }))).toBe('TICK_SIZE');
    expect(verdictOf(bracket({ leg: 'take-profit', limitPrice: '1e4' }))).toBe('PRICE_INVALID');
  });
});

describe('words that the schema of commands does not let through', () => {
  it.each([{ orderType: 'TRAIL' }, { action: 'SSHORT' }, { leg: 'hedge' }, { timeInForce: 'GTD' }])(
    '%o is denied as well',
    (wrong) => {
      expect(verdictOf(place(wrong as Partial<WishedLeg>))).toBe('COMMAND_INVALID');
    },
  );
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type LegName,
  type OrderWish,
  type WishedLeg,
  wishedOrderTypes,
} from '../../../lib/domain/orders/order-wish.ts';
import { canTrade } from '../../../lib/domain/safety/gate.ts';
import { denialCodes, type TradingPicture } from '../../../lib/domain/safety/gate-types.ts';
import { bracket, gold, leg, locked, well } from '../../helpers/gate-picture.ts';

/** Mostly what can be ordered, near the limits, so that a good part of it passes. */
const quantity = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 1, max: 14 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('0', '-1', '0.5', '1e1', 'NaN', '', '3.0') },
);
const price = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 9_600, max: 10_400 }).map((tenths) => String(tenths / 10)) },
  { weight: 1, arbitrary: fc.constantFrom('1000.05', '-1', '0', '1e3', 'Infinity', '') },
);
const typed = fc.constantFrom(...wishedOrderTypes).chain((orderType) =>
  fc.record({
    orderType: fc.constant(orderType),
    limitPrice: orderType.endsWith('LMT') ? price : fc.constant(null),
    stopPrice: orderType.startsWith('STP') ? price : fc.constant(null),
  }),
);
const action = fc.constantFrom('BUY' as const, 'SELL' as const);
const oneLeg = (name: fc.Arbitrary<LegName>): fc.Arbitrary<WishedLeg> =>
  fc
    .record({ leg: name, action, quantity, terms: typed })
    .map(({ terms, ...more }) => leg({ ...more, ...terms }));
const aBracket = fc
  .record({
    quantity,
    action,
    entry: fc.integer({ min: 9_800, max: 10_200 }),
    away: fc.tuple(fc.integer({ min: -20, max: 300 }), fc.integer({ min: -20, max: 300 })),
    children: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ quantity, action, entry, away, children }) => {
    const other = action === 'BUY' ? 'SELL' : 'BUY';
    const sign = action === 'BUY' ? 1 : -1;
    const tenths = (value: number) => String(value / 10);
    return bracket(
      { leg: 'entry', quantity, action, limitPrice: tenths(entry) },
      { leg: 'take-profit', quantity, action: other, limitPrice: tenths(entry + sign * away[0]) },
      { leg: 'stop-loss', quantity, action: other, stopPrice: tenths(entry - sign * away[1]) },
    ).legs.filter((each) => each.leg === 'entry' || (children & (each.leg === 'stop-loss' ? 1 : 2)) > 0);
  });
const wishes: fc.Arbitrary<OrderWish> = fc
  .oneof(
    fc.record({
      command: fc.constantFrom('place' as const, 'flatten' as const, 'modify' as const),
      legs: fc.tuple(oneLeg(fc.constant('entry'))),
    }),
    fc.record({ command: fc.constant('place-bracket' as const), legs: aBracket }),
    fc.record({
      command: fc.constantFrom('place' as const, 'place-bracket' as const, 'modify' as const),
      legs: fc.array(oneLeg(fc.constantFrom<LegName>('entry', 'take-profit', 'stop-loss')), { maxLength: 4 }),
    }),
  )
  .chain((wish) =>
    fc.constantFrom('person' as const, 'program' as const).map((by) => ({ ...wish, by, conId: 1 })),
  );

const limit = (min: number, max: number, by = 1) =>
  fc.option(
    fc.integer({ min, max }).map((units) => String(units * by)),
    { freq: 1 },
  );
const amountOf = (min: number, max: number) => fc.integer({ min, max }).map(String);
const pictures: fc.Arbitrary<TradingPicture> = fc
  .record({
    lastPrice: fc.integer({ min: 9_800, max: 10_200 }).map((tenths) => String(tenths / 10)),
    position: amountOf(-12, 12),
    working: fc.record({ buy: amountOf(0, 4), sell: amountOf(0, 4) }),
    modified: fc.option(
      fc.record({ action, quantity: amountOf(1, 12), filled: amountOf(0, 3), isBracket: fc.boolean() }),
    ),
    openOrders: fc.integer({ min: 0, max: 5 }),
    ordersLastMinute: fc.integer({ min: 0, max: 5 }),
    value: fc.record({
      now: amountOf(93, 112),
      atStart: amountOf(95, 105),
      peak: amountOf(95, 112),
      ageMs: fc.constantFrom(0, 0, 0, 600_000, 600_001, null),
    }),
    limits: fc.record({
      maxQuantity: limit(3, 14),
      maxNotional: limit(1, 15, 100_000),
      maxPosition: limit(3, 24),
      maxOpenOrders: fc.option(fc.integer({ min: 2, max: 12 })),
      maxOrdersPerMinute: fc.option(fc.integer({ min: 2, max: 12 })),
      maxDailyLoss: limit(0, 10),
      maxDrawdown: limit(0, 15),
      priceCollar: fc.option(fc.constantFrom('0.02', '0.04', '0.07'), { freq: 2 }),
    }),
  })
  .map(({ lastPrice, ...more }) => ({ ...well, ...more, market: { ...well.market, lastPrice } }));

/** Tenths of a thousandth, as whole numbers: the gate's own arithmetic is not asked. Throws for what is no plain decimal. */
function units(text: string): bigint {
  const found = /^(-?)(\d+)(?:\.(\d{1,4}))?$/.exec(text);
  if (found === null) throw new TypeError(`${text} is no plain decimal`);
  const [, sign, whole = '', fraction = ''] = found;
  return BigInt(`${sign}${whole}${fraction.padEnd(4, '0')}`);
}
const abs = (value: bigint) => (value < 0n ? -value : value);
const one = 10_000n;
const isWithin = (value: bigint, limitText: string | null) => limitText === null || value <= units(limitText);

/** What a wish that was let through breaks, worked out anew. */
function broken(picture: TradingPicture, { command, legs }: OrderWish): string[] {
  const { limits, market, modified } = picture;
  const last = units(market.lastPrice!);
  const entry = command === 'modify' ? legs[0]! : legs.find((each) => each.leg === 'entry')!;
  const isChild = entry.leg !== 'entry';
  const asked = units(entry.quantity);
  const position = units(picture.position);
  const working = units(entry.action === 'BUY' ? picture.working.buy : picture.working.sell);
  const isOpposite = entry.action === 'BUY' ? position < 0n : position > 0n;
  const isReducing = ['place', 'flatten'].includes(command) && isOpposite && asked + working <= abs(position);
  const faults: string[] = [];
  const must = (holds: boolean, what: string) => holds || faults.push(what);
  for (const each of legs) {
    must(units(each.quantity) > 0n && units(each.quantity) % one === 0n, 'quantity');
    must(units(each.quantity) === asked, 'one quantity');
    must((each.limitPrice !== null) === each.orderType.endsWith('LMT'), 'limit price');
    must((each.stopPrice !== null) === each.orderType.startsWith('STP'), 'stop price');
    for (const text of [each.limitPrice, each.stopPrice]) {
      if (text === null) continue;
      must(units(text) % 1_000n === 0n, 'tick');
      const collar = limits.priceCollar;
      must(collar === null || abs(units(text) - last) * one <= abs(last) * units(collar), 'collar');
    }
    if (each === entry) continue;
    must(each.action !== entry.action, 'side of a child');
    const at = units((each.leg === 'stop-loss' ? each.stopPrice : each.limitPrice)!);
    const own = [entry.limitPrice, entry.stopPrice].flatMap((text) => (text === null ? [] : [units(text)]));
    const isAbove = (entry.action === 'BUY') === (each.leg === 'take-profit');
    must(
      (own.length > 0 ? own : [last]).every((price) => (isAbove ? at > price : at < price)),
      'place of a child',
    );
  }
  const children = legs.filter((each) => each !== entry).map((each) => each.leg);
  must(new Set(children).size === children.length && !children.includes('entry'), 'legs');
  must(command === 'place-bracket' ? children.length > 0 : children.length === 0, 'number of legs');
  must(command === 'flatten' || isWithin(asked, limits.maxQuantity), 'maxQuantity');
  if (command === 'flatten') must(isOpposite && asked <= abs(position), 'flatten');
  const filled = command === 'modify' ? units(modified!.filled) : 0n;
  if (!isReducing && !isChild) {
    const prices = [entry.limitPrice, entry.stopPrice].flatMap((text) =>
      text === null ? [] : [abs(units(text))],
    );
    for (const bound of prices.length === 0 ? [abs(last)] : prices) {
      must(isWithin((asked * bound * 100n) / one, limits.maxNotional), 'maxNotional');
    }
    const side = entry.action === 'BUY' ? position : -position;
    must(isWithin(side + working + asked - filled, limits.maxPosition), 'maxPosition');
    const { now, atStart, peak, ageMs } = picture.value;
    const isLimited = limits.maxDailyLoss !== null || limits.maxDrawdown !== null;
    must(!isLimited || (ageMs !== null && ageMs <= 600_000), 'age of the value');
    must(isWithin(units(atStart!) - units(now!), limits.maxDailyLoss), 'maxDailyLoss');
    must(isWithin(units(peak!) - units(now!), limits.maxDrawdown), 'maxDrawdown');
  }
  must(
    limits.maxOpenOrders === null || picture.openOrders + legs.length <= limits.maxOpenOrders,
    'maxOpenOrders',
  );
  must(
    limits.maxOrdersPerMinute === null || picture.ordersLastMinute + legs.length <= limits.maxOrdersPerMinute,
    'maxOrdersPerMinute',
  );
  if (command === 'modify') {
    must(modified!.action === entry.action && asked > filled, 'what is modified');
    must(!(isChild || modified!.isBracket) || asked === units(modified!.quantity), 'quantity of a bracket');
  }
  return faults;
}

describe('the gate', () => {
  it('lets nothing through that breaks a limit', () => {
    let passed = 0;
    const commands = new Set<string>();
    fc.assert(
      fc.property(pictures, wishes, (picture, wish) => {
        if (canTrade(picture, wish).verdict !== 'send') return;
        passed += 1;
        commands.add(wish.command);
        expect(broken(picture, wish)).toEqual([]);
      }),
      { numRuns: 4_000 },
    );
    // Else it would have proven nothing.
    expect(passed).toBeGreaterThan(200);
    expect([...commands].sort()).toEqual(['flatten', 'modify', 'place', 'place-bracket']);
  });

  it('never throws, and says what is wrong and what would be allowed, whatever is written', () => {
    const word = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.constantFrom(
        'NaN',
        '-Infinity',
        '1e309',
        '-0',
        '1e-400',
        '٣',
        '__proto__',
        '9'.repeat(100_000),
        '-'.repeat(50_000),
      ),
      fc.double().map(String),
      fc.bigInt().map(String),
    );
    const anyLeg = fc.record({
      leg: fc.oneof(fc.constantFrom('entry', 'take-profit', 'stop-loss'), word),
      action: fc.oneof(action, word),
      quantity: word,
      orderType: fc.oneof(fc.constantFrom(...wishedOrderTypes), word),
      limitPrice: fc.option(word),
      stopPrice: fc.option(word),
      timeInForce: fc.oneof(fc.constantFrom('DAY', 'GTC', 'IOC'), word),
      outsideRth: fc.boolean(),
    });
    const anyWish = fc.record({
      command: fc.constantFrom('place', 'place-bracket', 'modify', 'flatten'),
      by: fc.constantFrom('person', 'program'),
      conId: fc.constant(1),
      legs: fc.array(anyLeg, { maxLength: 4 }),
    }) as fc.Arbitrary<OrderWish>;
    const anyPicture = fc
      .record({
        position: word,
        buy: word,
        lastPrice: fc.option(word),
        multiplier: word,
        minTick: word,
        lotSize: word,
        now: fc.option(word),
        limit: fc.option(word),
        well: fc.boolean(),
      })
      .map(
        ({
          position,
          buy,
          lastPrice,
          multiplier,
          minTick,
          lotSize,
          now,
          limit,
          well: isWell,
        }): TradingPicture =>
          isWell
            ? well
            : {
                ...well,
                position,
                working: { buy, sell: '0' },
                market: { ...well.market, lastPrice },
                instrument: { ...gold, multiplier, minTick },
                lotSize,
                value: { now, atStart: now, peak: now, ageMs: 0 },
                limits: {
                  ...well.limits,
                  maxQuantity: limit,
                  maxNotional: limit,
                  priceCollar: limit,
                  maxDailyLoss: limit,
                },
              },
      );
    fc.assert(
      fc.property(anyPicture, anyWish, (picture, wish) => {
        const verdict = canTrade(picture, wish);
        if (verdict.verdict !== 'deny') return;
        expect(denialCodes).toContain(verdict.code);
        expect(verdict.message.length).toBeGreaterThan(5);
        expect(verdict.allowed.length).toBeGreaterThan(1);
        // It goes into the book, the audit trail and an event, whatever the sender wrote.
        expect(wish.legs.length === 0 || picture !== well || verdict.message.length < 600).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('sends nothing while the account is held, whatever the wish', () => {
    const { flags } = well.flags;
    const held: readonly Partial<TradingPicture>[] = [
      { flags: { ...well.flags, flags: { ...flags, SAFE_MODE: true } } },
      { flags: { ...well.flags, source: 'unreadable' } },
      { flags: { ...well.flags, flags: { ...flags, DRY_RUN: true } } },
      { lease: { held: false, token: 7 } },
      { trading: { mode: 'halted', by: 'me', reason: 'news', at: '', source: 'stored' } },
      { session: { ready: false, canClose: false, phase: 'lost', readOnlyApi: false } },
      { market: { ...well.market, feed: 'stale' } },
      { market: { ...well.market, feed: 'delayed' } },
    ];
    fc.assert(
      fc.property(pictures, wishes, fc.constantFrom(...held), (picture, wish, by) => {
        expect(canTrade({ ...picture, ...by }, wish).verdict).not.toBe('send');
      }),
      { numRuns: 1_500 },
    );
  });

  it('lets through the lock only a single order of a person on the side that closes', () => {
    let passed = 0;
    fc.assert(
      fc.property(pictures, wishes, fc.constantFrom(6, 7), (picture, wish, token) => {
        // Locked, or opened for the term before this one.
        const lock = token === 7 ? locked : { ...well.lock, token };
        if (canTrade({ ...picture, lock }, wish).verdict !== 'send') return;
        passed += 1;
        const [only] = wish.legs;
        expect(wish).toMatchObject({ by: 'person', command: expect.stringMatching(/^(place|flatten)$/) });
        expect(wish.legs).toHaveLength(1);
        const signed = units(only!.quantity) * (only!.action === 'BUY' ? 1n : -1n);
        const works = units(only!.action === 'BUY' ? picture.working.buy : picture.working.sell);
        const position = units(picture.position);
        expect(position * signed < 0n).toBe(true);
        expect(abs(signed) + works <= abs(position)).toBe(true);
      }),
      { numRuns: 6_000 },
    );
    expect(passed).toBeGreaterThan(10);
  });

  it('answers the same in whatever order the legs come', () => {
    fc.assert(
      fc.property(pictures, wishes, fc.integer({ min: 1, max: 3 }), (picture, wish, by) => {
        const turned = [...wish.legs.slice(by), ...wish.legs.slice(0, by)].reverse();
        expect(canTrade(picture, { ...wish, legs: turned })).toEqual(canTrade(picture, wish));
      }),
      { numRuns: 1_500 },
    );
  });
});

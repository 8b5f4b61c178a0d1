import type { WishedLeg } from '../../lib/domain/orders/order-wish.ts';
import {
  beyondLimits,
  type Foreseen,
  foresee,
  type OrderPlan,
  planOrder,
} from '../../lib/domain/orders/plan-of-order.ts';
import type { Denial, RiskLimits } from '../../lib/domain/safety/gate-types.ts';
import type { TradingReading } from '../../lib/domain/safety/trading-state.ts';
import { lockLine } from './lock-words.ts';
import { expectedLine, unfitOf } from './order-fit.ts';
import { type AccountPicture, type OrderPicture, stanceOf } from './order-picture.ts';
import { orderCells, orderColumns } from './order-rows.ts';
import { facts, grouped, plain, table, time, type View } from './view.ts';

/** An order and what it would come to, as a person confirms it. */
export interface Review {
  readonly command: 'place' | 'place-bracket' | 'flatten';
  readonly legs: readonly [WishedLeg, ...WishedLeg[]];
  readonly picture: OrderPicture;
  readonly plan: OrderPlan;
  readonly foreseen: Foreseen;
  /** What the gate denies in the order's own words, whatever the account's state; undefined where it fits the contract. */
  readonly unfit: Denial | undefined;
  /** Limits of the stage that it goes beyond, in words. */
  readonly beyond: readonly string[];
}

export function reviewOrder(
  command: Review['command'],
  legs: Review['legs'],
  picture: OrderPicture,
  limits: RiskLimits,
): Review {
  const { position, lastPrice, instrument } = picture;
  const plan = planOrder(legs, { multiplier: instrument.multiplier, position, lastPrice });
  const isSmaller = plan.effect === 'reduces' || plan.effect === 'closes';
  return {
    command,
    legs,
    picture,
    plan,
    foreseen: foresee(stanceOf(picture), command, isSmaller),
    unfit: unfitOf(command, legs, picture),
    beyond: beyondLimits(plan, legs[0].quantity, limits),
  };
}

/** By the book there is no position to close. */
export function isFlatAlready({ command, legs }: Pick<Review, 'command' | 'legs'>): boolean {
  return command === 'flatten' && /^[0.]*$/.test(legs[0].quantity);
}

/** `BUY 1 GCG6 LMT 2,600.1 DAY` */
export function legWords(
  { action, quantity, orderType, limitPrice, stopPrice, timeInForce, outsideRth }: WishedLeg,
  symbol: string,
): string {
  const prices = [
    ...(limitPrice === null ? [] : [grouped(limitPrice)]),
    ...(stopPrice === null ? [] : [`stop ${grouped(stopPrice)}`]),
  ];
  return [
    action,
    grouped(quantity),
    symbol,
    orderType,
    ...prices,
    timeInForce,
    ...(outsideRth ? ['outside regular hours too'] : []),
  ].join(' ');
}

export function showReview(review: Review, account: string, limits: RiskLimits, view: View): string {
  const { legs, picture, plan, beyond } = review;
  const { instrument } = picture;
  const { colours } = view;
  const isFlat = isFlatAlready(review);
  const money = (amount: string | null) =>
    amount === null ? 'unknown: no price is known' : `${grouped(amount)} ${instrument.currency}`;
  const from = { limit: '', stop: ' (the stop)', last: ' (the last candle)', unknown: '' }[plan.priceFrom];
  const pairs: (readonly [string, string])[] = [
    ['account', account],
    [
      'contract',
      plain(
        `${instrument.localSymbol}, ${instrument.secType} ${instrument.symbol} ${instrument.exchange}, multiplier ${grouped(instrument.multiplier)}, tick ${instrument.minTick}, conId ${instrument.conId}`,
      ),
    ],
    ...(isFlat
      ? [['order', colours.bold('none: by the book there is nothing to flatten')] as const]
      : [
          ...legs.map((leg): readonly [string, string] => [
            leg.leg === 'entry' ? 'order' : leg.leg,
            colours.bold(plain(legWords(leg, instrument.localSymbol))),
          ]),
          [
            'notional',
            plan.price === null
              ? money(null)
              : `${money(plan.notional)} = ${grouped(legs[0].quantity)} x ${grouped(plan.price)}${from} x ${grouped(instrument.multiplier)}`,
          ] as const,
        ]),
    ...(plan.atRisk === null ? [] : [['at risk', `${money(plan.atRisk)} down to the stop`] as const]),
    ...(plan.toWin === null ? [] : [['to win', `${money(plan.toWin)} up to the target`] as const]),
    [
      'last price',
      picture.lastPrice === null ? 'unknown' : `${grouped(picture.lastPrice)} (the last candle)`,
    ],
    [
      'position',
      isFlat
        ? '0'
        : `${grouped(plan.positionNow)} now, ${colours.bold(grouped(plan.positionAfter))} after it (${plan.effect})`,
    ],
    ...accountPairs(picture, view),
    ['limits', limitsLine(limits, beyond, view)],
    ['expected', expected(review, isFlat, view)],
  ];
  const open = picture.open.map((row) => orderCells(row, view));
  return [
    facts(view, pairs),
    ...(open.length === 0
      ? []
      : ['', colours.bold('Open orders of this contract'), table(view, orderColumns, open)]),
  ].join('\n');
}

/** Flags, lock and trading state: what lets orders through, or does not. */
export function accountPairs(
  { flags, lock, trading, leaseToken }: AccountPicture,
  view: View,
): (readonly [string, string])[] {
  const { colours } = view;
  const set = (['DRY_RUN', 'SAFE_MODE'] as const).filter((name) => flags.flags[name]);
  const words = set.length === 0 ? 'DRY_RUN and SAFE_MODE are off' : colours.yellow(set.join(' and '));
  return [
    ['flags', flags.source === 'unreadable' ? colours.red('unreadable, so SAFE_MODE holds') : words],
    ['lock', lockLine(lock, leaseToken, view)],
    ['trading', tradingLine(trading, view)],
  ];
}

export function tradingLine({ mode, by, reason, at, source }: TradingReading, view: View): string {
  const { colours } = view;
  if (source === 'unreadable') return colours.red(`halted: ${plain(reason)}`);
  if (mode === 'active') return colours.green('active');
  const paint = mode === 'halted' ? colours.red : colours.yellow;
  return paint(`${mode} since ${time(view, at)} by ${plain(by)}: ${plain(reason)}`);
}

function limitsLine(limits: RiskLimits, beyond: readonly string[], { colours }: View): string {
  const words = (
    [
      ['quantity', limits.maxQuantity],
      ['notional', limits.maxNotional],
      ['position', limits.maxPosition],
    ] as const
  ).map(([name, limit]) => `${name} ${limit === null ? 'any' : grouped(limit)}`);
  if (limits.priceCollar !== null) words.push(`prices within ${limits.priceCollar} of the last trade`);
  const line = words.join(', ');
  return beyond.length === 0 ? line : `${line}; ${colours.red(`goes beyond: ${beyond.join(', ')}`)}`;
}

function expected({ foreseen, unfit }: Review, isFlat: boolean, view: View): string {
  if (isFlat && foreseen.answer !== 'deny') return 'no order leaves, where IB has no position either';
  return expectedLine(foreseen, unfit, view);
}

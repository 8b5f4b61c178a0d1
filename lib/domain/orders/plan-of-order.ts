/** What an order would come to, before it is sent: for the person who is about to confirm it. The gate decides, not this. */
import type { DenialCode, RiskLimits } from '../safety/gate-types.ts';
import type { TradingMode } from '../safety/trading-state.ts';
import { type Amount, amount, plain } from './decimals.ts';
import type { OrderWish, WishedLeg } from './order-wish.ts';

/** Plain decimal text, as the gate takes it: no exponent, no `+`. */
export const decimalText = /^-?\d+(\.\d+)?$/;

export interface OrderPlan {
  /** What the entry is reckoned with; decimal text, null where nothing says one. */
  readonly price: string | null;
  readonly priceFrom: 'limit' | 'stop' | 'last' | 'unknown';
  /** Quantity x price x multiplier, in the contract's currency; decimal text. */
  readonly notional: string | null;
  /** Signed, decimal text. */
  readonly positionNow: string;
  /** Once the entry is filled. */
  readonly positionAfter: string;
  readonly effect: 'opens' | 'enlarges' | 'reduces' | 'closes' | 'turns';
  /** What the bracket's stop would lose and its target would win, in the contract's currency; null without one. */
  readonly atRisk: string | null;
  readonly toWin: string | null;
}

/** @param legs decimal texts (`decimalText`); the first of them is the entry */
export function planOrder(
  legs: readonly [WishedLeg, ...WishedLeg[]],
  known: { readonly multiplier: string; readonly position: string; readonly lastPrice: string | null },
): OrderPlan {
  const [entry, ...children] = legs;
  const quantity = amount(entry.quantity);
  const now = amount(known.position);
  const after = entry.action === 'BUY' ? now.plus(quantity) : now.minus(quantity);
  const [price, priceFrom] = entryPrice(entry, known.lastPrice);
  const amountTo = (other: string | null | undefined): string | null =>
    price === null || other == null
      ? null
      : plain(amount(other).minus(price).abs().times(quantity).times(known.multiplier));
  return {
    price,
    priceFrom,
    notional: price === null ? null : plain(quantity.times(price).times(known.multiplier).abs()),
    positionNow: plain(now),
    positionAfter: plain(after),
    effect: effectOf(now, after),
    atRisk: amountTo(children.find(({ leg }) => leg === 'stop-loss')?.stopPrice),
    toWin: amountTo(children.find(({ leg }) => leg === 'take-profit')?.limitPrice),
  };
}

function entryPrice(
  { limitPrice, stopPrice }: WishedLeg,
  lastPrice: string | null,
): readonly [string | null, OrderPlan['priceFrom']] {
  if (limitPrice !== null) return [limitPrice, 'limit'];
  if (stopPrice !== null) return [stopPrice, 'stop'];
  return lastPrice === null ? [null, 'unknown'] : [lastPrice, 'last'];
}

function effectOf(now: Amount, after: Amount): OrderPlan['effect'] {
  if (now.isZero()) return 'opens';
  if (after.isZero()) return 'closes';
  if (!now.times(after).isPositive()) return 'turns';
  return after.abs().gt(now.abs()) ? 'enlarges' : 'reduces';
}

/** The limits of one order and of the position that it goes beyond, in words. */
export function beyondLimits(
  plan: OrderPlan,
  quantity: string,
  limits: Pick<RiskLimits, 'maxQuantity' | 'maxNotional' | 'maxPosition'>,
): readonly string[] {
  const isSmaller = plan.effect === 'reduces' || plan.effect === 'closes';
  const beyond = (value: string | null, limit: string | null) =>
    value !== null && limit !== null && amount(value).abs().gt(limit);
  return [
    ...(beyond(quantity, limits.maxQuantity) ? [`quantity above ${limits.maxQuantity}`] : []),
    ...(!isSmaller && beyond(plan.notional, limits.maxNotional)
      ? [`notional above ${limits.maxNotional}`]
      : []),
    ...(!isSmaller && beyond(plan.positionAfter, limits.maxPosition)
      ? [`position above ${limits.maxPosition}`]
      : []),
  ];
}

/** What speaks at this moment for or against an order of a person's leaving; the order in which the gate looks. */
export interface Stance {
  readonly flags: { readonly DRY_RUN: boolean; readonly SAFE_MODE: boolean };
  readonly flagsReadable: boolean;
  readonly lockOpen: boolean;
  readonly trading: TradingMode;
}

export type Foreseen =
  | { readonly answer: 'send' | 'would-send' }
  | { readonly answer: 'deny'; readonly code: DenialCode };

/**
 * What the gate would say of the account, were the order itself in order.
 *
 * @param smaller the order makes a position smaller and no other: the lock and reduce-only let it through
 */
export function foresee(
  { flags, flagsReadable, lockOpen, trading }: Stance,
  command: OrderWish['command'],
  smaller: boolean,
): Foreseen {
  const exempt = smaller && (command === 'place' || command === 'flatten');
  const deny = (code: DenialCode): Foreseen => ({ answer: 'deny', code });
  if (!flagsReadable) return deny('FLAGS_UNREADABLE');
  if (flags.SAFE_MODE) return deny('SAFE_MODE');
  if (!lockOpen && !exempt) return deny('RECONCILE_LOCKED');
  if (trading === 'halted') return deny('HALTED');
  if (trading === 'reduce-only' && !exempt) return deny('REDUCE_ONLY');
  return { answer: flags.DRY_RUN ? 'would-send' : 'send' };
}

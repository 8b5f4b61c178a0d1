/** A working order's leg with what is to be changed of it. */
import type { OrderTerms } from './order-report.ts';
import { type LegName, type WishedLeg, wishedOrderTypes, wishedTimesInForce } from './order-wish.ts';

export interface LegChange {
  readonly leg: LegName;
  readonly quantity?: string | undefined;
  readonly limitPrice?: string | undefined;
  readonly stopPrice?: string | undefined;
}

/** @returns undefined where the order is of a kind that is not placed here, and so not changed here */
export function changedLeg(
  terms: OrderTerms,
  { leg, quantity, limitPrice, stopPrice }: LegChange,
): WishedLeg | undefined {
  const orderType = wishedOrderTypes.find((type) => type === terms.orderType);
  const timeInForce = wishedTimesInForce.find((time) => time === terms.timeInForce);
  if (orderType === undefined || timeInForce === undefined) return undefined;
  return {
    leg,
    action: terms.action,
    quantity: quantity ?? terms.quantity,
    orderType,
    limitPrice: limitPrice ?? terms.limitPrice,
    stopPrice: stopPrice ?? terms.stopPrice,
    timeInForce,
    outsideRth: terms.outsideRth,
  };
}

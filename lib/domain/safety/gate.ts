/** The one gate in front of the broker: may this order leave, on what is known at this moment? */
import { plain } from '../orders/decimals.ts';
import { legNames, type OrderWish, type WishedLeg } from '../orders/order-wish.ts';
import { isDenial } from './denial.ts';
import { accountChecks } from './gate-account.ts';
import { readMarket } from './gate-market.ts';
import type { GateVerdict, TradingPicture } from './gate-types.ts';
import { type OrderLeg, type OrderTerms, readTerms } from './order-terms-check.ts';
import { reducesPosition } from './reducing.ts';
import { riskChecks } from './risk-limits.ts';

/**
 * Pure, and never throws, whatever the wish says. One answer, of the first check that fails, in a fixed order: what holds
 * the account, whether the gateway is the right one, what the order says, when it comes, what it risks. DRY_RUN comes
 * last, so that `would-send` means that all else has passed. The order of the legs makes no difference.
 *
 * It is asked before the intent is reserved. The reservation checks flags, lock, trading state and lease once more, in one
 * transaction with its own writing: between the two they may change. Behind it this is asked again, because what is held,
 * works and trades may have changed as well.
 */
export function canTrade(picture: TradingPicture, asked: OrderWish): GateVerdict {
  const wish = { ...asked, legs: [...asked.legs].sort(byName) };
  for (const check of accountChecks) {
    const denial = check(picture, wish);
    if (denial !== undefined) return denial;
  }
  const terms = readTerms(picture, wish);
  if (isDenial(terms)) return terms;
  const last = readMarket(picture, wish, terms);
  if (isDenial(last)) return last;
  const exposure = { picture, terms, last, isReducing: reducesPosition(picture, wish) };
  for (const check of riskChecks) {
    const denial = check(exposure);
    if (denial !== undefined) return denial;
  }
  if (!picture.flags.flags.DRY_RUN) return { verdict: 'send' };
  return { verdict: 'would-send', message: `DRY_RUN is on: ${orderText(terms)} would be sent, and is not.` };
}

function byName(a: WishedLeg, b: WishedLeg): number {
  return legNames.indexOf(a.leg) - legNames.indexOf(b.leg);
}

function orderText({ command, instrument, entry, children }: OrderTerms): string {
  const symbol = instrument.localSymbol;
  const own = legText(entry, symbol);
  if (command === 'modify') return `the ${entry.leg} changed to ${own}`;
  return [own, ...children.map((child) => `${child.leg} ${legText(child, symbol)}`)].join(', ');
}

function legText(
  { action, quantity, orderType, limitPrice, stopPrice, timeInForce }: OrderLeg,
  symbol: string,
): string {
  const prices = [limitPrice && plain(limitPrice), stopPrice && `stop ${plain(stopPrice)}`].filter(
    (text) => text !== null,
  );
  return [action, plain(quantity), symbol, orderType, ...prices, timeInForce].join(' ');
}

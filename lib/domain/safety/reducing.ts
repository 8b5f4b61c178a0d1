/**
 * Which orders only make a position smaller, or protect it. They are let through where others are not, so that nobody is
 * locked in a position; what could open one, or turn it round, is none of them.
 */
import { type Amount, plain } from '../orders/decimals.ts';
import type { OrderWish } from '../orders/order-wish.ts';
import type { TradingPicture } from './gate-types.ts';
import { readDecimal } from './price-steps.ts';

export interface Holdings {
  /** Net, signed. */
  readonly position: Amount;
  readonly working: { readonly BUY: Amount; readonly SELL: Amount };
}

/** Undefined where the picture does not say it in decimals. */
export function holdingsOf({
  position,
  working,
}: Pick<TradingPicture, 'position' | 'working'>): Holdings | undefined {
  const net = readDecimal(position);
  const buy = readDecimal(working.buy);
  const sell = readDecimal(working.sell);
  if (net === undefined || buy === undefined || sell === undefined || buy.lt(0) || sell.lt(0))
    return undefined;
  return { position: net, working: { BUY: buy, SELL: sell } };
}

/**
 * One order on the side opposite to the position which, were it filled with all that works on that side, would not pass
 * zero. A bracket opens something, and a modification can take a stop away: they never count.
 */
export function reducesPosition(picture: TradingPicture, { command, legs }: OrderWish): boolean {
  const [only] = legs;
  if ((command !== 'place' && command !== 'flatten') || only === undefined || legs.length > 1) return false;
  const quantity = readDecimal(only.quantity);
  const holdings = holdingsOf(picture);
  if (quantity === undefined || holdings === undefined || quantity.lte(0) || only.leg !== 'entry')
    return false;
  const { position, working } = holdings;
  if (only.action !== closingSide(position)) return false;
  return working[only.action].plus(quantity).lte(position.abs());
}

/** For people: what of the kind would be let through. */
export function reducingText(picture: TradingPicture): string {
  const holdings = holdingsOf(picture);
  if (holdings === undefined) return 'nothing, because the position is not known';
  const { position, working } = holdings;
  const side = closingSide(position);
  if (side === undefined) return 'nothing, because there is no position';
  const room = position.abs().minus(working[side]);
  if (room.gt(0)) return `${side} of at most ${plain(room)}`;
  return `nothing, because working ${side} orders of ${plain(working[side])} already close the position of ${plain(position)}; cancel one of them first`;
}

/** Undefined for no position. */
export function closingSide(position: Amount): 'BUY' | 'SELL' | undefined {
  if (position.isZero()) return undefined;
  return position.gt(0) ? 'SELL' : 'BUY';
}

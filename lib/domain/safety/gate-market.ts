/** When an order comes: only on live prices, in an open session. Third part of the gate. */
import type { Amount } from '../orders/decimals.ts';
import type { OrderWish } from '../orders/order-wish.ts';
import { deny } from './denial.ts';
import type { Denial, TradingPicture } from './gate-types.ts';
import { lastTrade, type OrderTerms } from './order-terms-check.ts';

/** Also for orders that reduce: at a price that nobody knows, nobody knows what they would do. */
const withoutPrices = 'What works can be cancelled, and orders can be placed in TWS';

/** The price of the last trade, or why there is no trading now. */
export function readMarket(
  picture: TradingPicture,
  { by }: OrderWish,
  { instrument: { localSymbol }, entry }: OrderTerms,
): Amount | Denial {
  const { feed, session, halted } = picture.market;
  if (feed === 'delayed' || feed === 'frozen') {
    return deny(
      'FEED_DELAYED',
      `The market data of ${localSymbol} are ${feed}: the market is somewhere else.`,
      `Orders on live market data alone; the account needs a subscription for them. ${withoutPrices}.`,
    );
  }
  if (feed !== 'live') {
    return deny(
      'FEED_STALE',
      `The feed of ${localSymbol} is ${feed}, not live.`,
      `The same again once \`evenkeel status\` shows it live. ${withoutPrices}.`,
    );
  }
  const last = lastTrade(picture);
  if (last === undefined) {
    return deny(
      'FEED_STALE',
      `There has been no trade of ${localSymbol} yet: there is no price to measure the order by.`,
      `The same again after the first trade. ${withoutPrices}.`,
    );
  }
  if (halted) {
    return deny(
      'SESSION_CLOSED',
      `Trading of ${localSymbol} is halted.`,
      `The same again once it trades. ${withoutPrices}.`,
    );
  }
  if (session === 'open' || entry.outsideRth || (session === 'unknown' && by === 'person')) return last;
  return deny(
    'SESSION_CLOSED',
    session === 'closed'
      ? `${localSymbol} does not trade now.`
      : `Nobody knows whether ${localSymbol} trades now, which counts as closed for a program.`,
    'The same again in the session, GTC orders too; or with `outsideRth`, where the exchange is to hold it until then.',
  );
}

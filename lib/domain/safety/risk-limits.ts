/** How much an order risks, against the limits of its account. Fourth part of the gate. */
import { type Amount, plain } from '../orders/decimals.ts';
import { atMost, deny, shown } from './denial.ts';
import type { Denial, DenialCode, RiskLimits, TradingPicture } from './gate-types.ts';
import type { OrderLeg, OrderTerms } from './order-terms-check.ts';
import { ceilTo, floorTo, readDecimal } from './price-steps.ts';
import { holdingsOf } from './reducing.ts';
import { lossDenial } from './risk-losses.ts';

/** An order on its way out, with what it is measured by. */
export interface Exposure {
  readonly picture: TradingPicture;
  readonly terms: OrderTerms;
  /** Price of the last trade. */
  readonly last: Amount;
  /** It only makes a position smaller, or protects it. */
  readonly isReducing: boolean;
}

/** In this order: the first that is passed is the answer. */
export const riskChecks: readonly ((exposure: Exposure) => Denial | undefined)[] = [
  priceCollar,
  maxQuantity,
  maxNotional,
  maxPosition,
  maxOpenOrders,
  orderRate,
  ({ picture, terms, isReducing }) => (isReducing || isChild(terms) ? undefined : lossDenial(picture)),
];

/** A child closes what its entry has opened, also when it is modified. */
function isChild({ entry }: OrderTerms): boolean {
  return entry.leg !== 'entry';
}

function priceCollar({ picture: { limits }, terms, last }: Exposure): Denial | undefined {
  const share = limitOf(limits, 'priceCollar', 'PRICE_COLLAR');
  if (share === undefined || 'verdict' in share) return share;
  const reach = last.abs().times(share);
  const [low, high] = [last.minus(reach), last.plus(reach)];
  for (const leg of [terms.entry, ...terms.children]) {
    for (const name of ['limitPrice', 'stopPrice'] as const) {
      const price = leg[name];
      if (price === null || (price.gte(low) && price.lte(high))) continue;
      const tick = readDecimal(terms.instrument.minTick);
      const [from, to] = tick?.gt(0) ? [ceilTo(low, tick), floorTo(high, tick)] : [low, high];
      return deny(
        'PRICE_COLLAR',
        `\`${name}\` ${plain(price)} of the ${leg.leg} is ${plain(price.minus(last).abs())} away from the last trade at ${plain(last)}; priceCollar ${plain(share)} is ${plain(reach)}.`,
        `From ${plain(from)} to ${plain(to)}.`,
      );
    }
  }
  return undefined;
}

function maxQuantity({ picture: { limits }, terms, isReducing }: Exposure): Denial | undefined {
  const most = limitOf(limits, 'maxQuantity', 'MAX_QUANTITY');
  if (most === undefined || 'verdict' in most) return most;
  const { quantity } = terms.entry;
  // To flatten is to close what is held in one order, and it is never more than that.
  if (quantity.lte(most) || terms.command === 'flatten') return undefined;
  return deny(
    'MAX_QUANTITY',
    `The quantity ${plain(quantity)} is more than maxQuantity ${plain(most)}.`,
    `${atMost(most, terms.lotSize)} in one order${isReducing ? '; close the position in several, or `evenkeel order flatten` it' : ''}.`,
  );
}

/** By the price that it is bound to: of a stop-limit the one further from zero, of a market order the last trade. */
function maxNotional({ picture: { limits }, terms, last, isReducing }: Exposure): Denial | undefined {
  const most = limitOf(limits, 'maxNotional', 'MAX_NOTIONAL');
  if (most === undefined || 'verdict' in most) return most;
  if (isReducing || isChild(terms)) return undefined;
  const { entry, multiplier, instrument, lotSize } = terms;
  const price = boundPrice(entry, last);
  const notional = entry.quantity.times(price).times(multiplier).abs();
  if (notional.lte(most)) return undefined;
  const lots = most.dividedToIntegerBy(price.times(multiplier).times(lotSize).abs());
  return deny(
    'MAX_NOTIONAL',
    `${plain(entry.quantity)} at ${plain(price)} with the multiplier ${plain(multiplier)} are ${plain(notional)} ${instrument.currency}, more than maxNotional ${plain(most)}.`,
    `${atMost(lots.times(lotSize), lotSize)} at that price.`,
  );
}

function boundPrice({ limitPrice, stopPrice }: OrderLeg, last: Amount): Amount {
  if (limitPrice === null || stopPrice === null) return limitPrice ?? stopPrice ?? last;
  return limitPrice.abs().gt(stopPrice.abs()) ? limitPrice : stopPrice;
}

/** As if all that works on the order's side were filled. The children of a bracket close what it opens. */
function maxPosition({ picture, terms, isReducing }: Exposure): Denial | undefined {
  const most = limitOf(picture.limits, 'maxPosition', 'MAX_POSITION');
  if (most === undefined || 'verdict' in most) return most;
  const held = holdingsOf(picture);
  if (isReducing || isChild(terms) || held === undefined) return undefined;
  const { action, quantity } = terms.entry;
  const working = held.working[action];
  const before = (action === 'BUY' ? held.position : held.position.negated()).plus(working);
  // What is filled of a modified order is in the position already.
  const filled = terms.command === 'modify' ? readDecimal(picture.modified?.filled ?? '0') : undefined;
  const after = before.plus(quantity).minus(filled ?? 0);
  if (after.lte(most)) return undefined;
  return deny(
    'MAX_POSITION',
    `The position ${plain(held.position)}, other working ${action} orders of ${plain(working)} and this one of ${plain(quantity)} make ${plain(after)} ${action === 'BUY' ? 'long' : 'short'}, more than maxPosition ${plain(most)}.`,
    `${action} of ${atMost(most.minus(before).plus(filled ?? 0), terms.lotSize)}.`,
  );
}

function maxOpenOrders({ picture: { limits, openOrders }, terms }: Exposure): Denial | undefined {
  const most = limits.maxOpenOrders;
  const more = 1 + terms.children.length;
  if (most === null || openOrders + more <= most) return undefined;
  return deny(
    'MAX_OPEN_ORDERS',
    `${openOrders} orders of the account work, and this would be ${more} more; maxOpenOrders is ${most}.`,
    `${Math.max(0, most - openOrders)} more; cancel what is not needed (\`evenkeel orders\`).`,
  );
}

function orderRate({ picture: { limits, ordersLastMinute }, terms }: Exposure): Denial | undefined {
  const most = limits.maxOrdersPerMinute;
  const more = 1 + terms.children.length;
  if (most === null || ordersLastMinute + more <= most) return undefined;
  return deny(
    'ORDER_RATE',
    `${ordersLastMinute} orders left within the last minute, and this would be ${more} more; maxOrdersPerMinute is ${most}.`,
    `${Math.max(0, most - ordersLastMinute)} more now; the others when a minute is over.`,
  );
}

/** Undefined for no limit. A limit that cannot be read limits everything. */
function limitOf(
  limits: RiskLimits,
  name: 'priceCollar' | 'maxQuantity' | 'maxNotional' | 'maxPosition',
  code: DenialCode,
): Amount | Denial | undefined {
  const text = limits[name];
  if (text === null) return undefined;
  return (
    readDecimal(text) ??
    deny(
      code,
      `The limit ${name} is ${shown(text)}, which is no decimal.`,
      `Correct \`risk.${name}\` in the configuration.`,
    )
  );
}

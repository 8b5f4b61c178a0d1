/** What an order says: its legs, quantities and prices, read into decimals or denied. Second part of the gate. */
import type { Instrument } from '../market/instrument.ts';
import { type Amount, plain } from '../orders/decimals.ts';
import type { OrderWish, WishedLeg } from '../orders/order-wish.ts';
import { deny, isDenial, shown } from './denial.ts';
import type { Denial, TradingPicture } from './gate-types.ts';
import { quantitiesProblem, shapeProblem, sidesProblem } from './order-shape.ts';
import {
  ceilTo,
  digitsMax,
  floorTo,
  isMultiple,
  neighboursText,
  readDecimal,
  survivesTheWire,
} from './price-steps.ts';

/** What an order's words are judged by: its contract, the order that it changes, and what is held where it is to be closed. */
export interface TermsPicture
  extends Pick<TradingPicture, 'instrument' | 'lotSize' | 'modified' | 'position' | 'working'> {
  readonly market: Pick<TradingPicture['market'], 'lastPrice'>;
}

export type OrderLeg = Omit<WishedLeg, 'quantity' | 'limitPrice' | 'stopPrice'> & {
  readonly quantity: Amount;
  readonly limitPrice: Amount | null;
  readonly stopPrice: Amount | null;
};

/** A wish whose words have become figures. */
export interface OrderTerms {
  readonly command: OrderWish['command'];
  readonly instrument: Instrument;
  readonly multiplier: Amount;
  readonly lotSize: Amount;
  /** What opens or changes a position; of a `modify` the order that is modified, whichever leg it is. */
  readonly entry: OrderLeg;
  readonly children: readonly OrderLeg[];
}

/** Which prices an order type has. */
const pricesOf = {
  MKT: { limitPrice: false, stopPrice: false },
  LMT: { limitPrice: true, stopPrice: false },
  STP: { limitPrice: false, stopPrice: true },
  'STP LMT': { limitPrice: true, stopPrice: true },
} as const;

/** Futures have traded below zero, and spreads do every day. */
const mayBeNegative: readonly string[] = ['FUT', 'BAG'];

/**
 * @param picture as much of it as an order's own words are read with
 * @param wish with its legs in the order of their names
 */
export function readTerms(picture: TermsPicture, wish: OrderWish): OrderTerms | Denial {
  const contract = readContract(picture, wish);
  if (isDenial(contract)) return contract;
  const misshapen = shapeProblem(picture, wish);
  if (misshapen !== undefined) return misshapen;
  const legs: OrderLeg[] = [];
  for (const leg of wish.legs) {
    const quantity = readQuantity(leg, picture);
    if (isDenial(quantity)) return quantity;
    // Prices come after the quantities of all legs.
    legs.push({ ...leg, quantity, limitPrice: null, stopPrice: null });
  }
  const { instrument, multiplier, lotSize, minTick } = contract;
  const uneven = legs.find(({ quantity }) => !isMultiple(quantity, lotSize));
  if (uneven !== undefined) return offTheLot(uneven, lotSize);
  const priced: OrderLeg[] = [];
  for (const [at, leg] of legs.entries()) {
    const prices = readPrices(wish.legs[at]!, instrument, minTick);
    if (isDenial(prices)) return prices;
    priced.push({ ...leg, ...prices });
  }
  const [entry, ...children] = priced;
  const terms = { command: wish.command, instrument, multiplier, lotSize, entry: entry!, children };
  return quantitiesProblem(terms, picture) ?? sidesProblem(terms, lastTrade(picture) ?? null) ?? terms;
}

/** Price of the last trade; undefined before the first. */
export function lastTrade({ market: { lastPrice } }: TermsPicture): Amount | undefined {
  return lastPrice === null ? undefined : readDecimal(lastPrice);
}

function readContract({ instrument, lotSize }: TermsPicture, { conId }: OrderWish) {
  if (instrument === undefined || instrument.conId !== conId) {
    return deny(
      'CONTRACT_UNKNOWN',
      `No line of this streamer has the contract ${conId}: its multiplier, tick and hours are not known.`,
      'A contract of `symbols` in the configuration; `evenkeel status` names them.',
    );
  }
  const figures = {
    multiplier: readDecimal(instrument.multiplier),
    lotSize: readDecimal(lotSize),
    minTick: readDecimal(instrument.minTick),
  };
  const { multiplier, lotSize: lot, minTick } = figures;
  if (multiplier?.gt(0) && lot?.gt(0) && minTick?.gte(0))
    return { instrument, multiplier, lotSize: lot, minTick };
  return deny(
    'CONTRACT_UNKNOWN',
    `${instrument.localSymbol} has the multiplier ${shown(instrument.multiplier)}, the tick ${shown(instrument.minTick)} and the lot ${shown(lotSize)}: not all of them are figures to compute with.`,
    'Nothing in this contract, until the broker describes it anew: restart the streamer.',
  );
}

function readQuantity({ leg, quantity }: WishedLeg, { modified, lotSize }: TermsPicture): Amount | Denial {
  const value = readDecimal(quantity);
  if (value === undefined || value.lte(0) || !survivesTheWire(value)) {
    return deny(
      'QUANTITY_INVALID',
      `The quantity ${shown(quantity)} of the ${leg} is no number of contracts or shares.`,
      `Decimal text above 0 with ${digitsMax} digits at most, in steps of ${lotSize}: the side is in \`action\`, not in a sign.`,
    );
  }
  const filled = modified ? readDecimal(modified.filled) : undefined;
  if (filled === undefined || value.gt(filled)) return value;
  return deny(
    'QUANTITY_INVALID',
    `${plain(filled)} of the order are filled; it cannot be made ${plain(value)}.`,
    `More than ${plain(filled)}; to end it as it is, cancel it.`,
  );
}

function offTheLot({ leg, quantity }: OrderLeg, lotSize: Amount): Denial {
  const below = floorTo(quantity, lotSize);
  const near = below.gt(0) ? neighboursText(quantity, lotSize) : plain(ceilTo(quantity, lotSize));
  return deny(
    'LOT_SIZE',
    `The quantity ${plain(quantity)} of the ${leg} is no multiple of ${plain(lotSize)}.`,
    `${near}.`,
  );
}

function readPrices(
  leg: WishedLeg,
  instrument: Instrument,
  minTick: Amount,
): Pick<OrderLeg, 'limitPrice' | 'stopPrice'> | Denial {
  const limitPrice = readPrice(leg, 'limitPrice', instrument, minTick);
  if (limitPrice !== null && isDenial(limitPrice)) return limitPrice;
  const stopPrice = readPrice(leg, 'stopPrice', instrument, minTick);
  if (stopPrice !== null && isDenial(stopPrice)) return stopPrice;
  return { limitPrice, stopPrice };
}

function readPrice(
  leg: WishedLeg,
  name: 'limitPrice' | 'stopPrice',
  { secType, localSymbol }: Instrument,
  minTick: Amount,
): Amount | null | Denial {
  const text = leg[name];
  const isWanted = pricesOf[leg.orderType][name];
  if (text === null) {
    if (!isWanted) return null;
    return deny(
      'PRICE_INVALID',
      `The ${leg.leg} is a ${leg.orderType} without \`${name}\`.`,
      `\`${name}\` as decimal text.`,
    );
  }
  if (!isWanted) {
    return deny(
      'PRICE_INVALID',
      `The ${leg.leg} is a ${leg.orderType}, which has no \`${name}\`, and it says ${shown(text)}.`,
      `\`${name}\` null, or a type that has one.`,
    );
  }
  const value = readDecimal(text);
  if (value === undefined || !survivesTheWire(value)) {
    return deny(
      'PRICE_INVALID',
      `\`${name}\` ${shown(text)} of the ${leg.leg} is no price.`,
      `Decimal text with ${digitsMax} digits at most, for example 2600.1.`,
    );
  }
  if (value.lte(0) && !mayBeNegative.includes(secType)) {
    return deny(
      'PRICE_INVALID',
      `\`${name}\` ${plain(value)} of the ${leg.leg}: a ${secType} such as ${localSymbol} is never worth 0 or less.`,
      'A price above 0.',
    );
  }
  if (isMultiple(value, minTick)) return value;
  return deny(
    'TICK_SIZE',
    `\`${name}\` ${plain(value)} of the ${leg.leg} is no multiple of ${plain(minTick)}, the tick of ${localSymbol}.`,
    `${neighboursText(value, minTick)}.`,
  );
}

/** Decimal text in and out: exact sums of quantities and of quantity × price. */
import { Decimal } from 'decimal.js';

// decimal.js rounds to 20 digits by default, which a sum of prices with 12 decimals can reach.
const Exact = Decimal.clone({ precision: 100, rounding: Decimal.ROUND_HALF_EVEN });

export type Amount = Decimal;
export const zero: Amount = new Exact(0);

/** Most quantities are one to three characters: there are few of them, they are asked for all the time, and never change. */
const short = new Map<string, Amount>();
const shortLengthMax = 3;

/** Throws decimal.js' DecimalError for what is no number. */
export function amount(text: string): Amount {
  if (text.length > shortLengthMax) return new Exact(text);
  const known = short.get(text);
  if (known !== undefined) return known;
  const value = new Exact(text);
  short.set(text, value);
  return value;
}

/** Canonical: no exponent, no trailing zeros, no `-0`. */
export function plain(value: Amount): string {
  return value.isZero() ? '0' : value.toFixed();
}

export function sum(values: Iterable<Amount>): Amount {
  let total = zero;
  for (const value of values) total = total.plus(value);
  return total;
}

/** Prices that we derive ourselves have at most this many decimals, rounded half to even. */
export const priceDecimalsMax = 12;

export function derivedPrice(value: Amount): string {
  return plain(value.toDecimalPlaces(priceDecimalsMax));
}

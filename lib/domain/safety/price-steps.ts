/** Decimal text as it may be ordered, and the steps that quantities and prices are bound to. Nothing is rounded silently. */
import { type Amount, amount, plain } from '../orders/decimals.ts';

/** Orders go to the broker as doubles: every decimal of so many digits comes back from one as it was. */
export const digitsMax = 15;

/** Longer texts are no amount of anything; commands are held to it as well. */
const lengthMax = 40;

/** A sign, digits, and a point between digits: no exponent, blank, plus, NaN or Infinity. */
const decimalText = /^-?\d+(?:\.\d+)?$/;

/** Undefined for what is no plain decimal. Never throws, and takes no time for long texts. */
export function readDecimal(text: string): Amount | undefined {
  return text.length <= lengthMax && decimalText.test(text) ? amount(text) : undefined;
}

/** Whether the broker would receive what was written. */
export function survivesTheWire(value: Amount): boolean {
  return value.precision() <= digitsMax;
}

/** @param step 0 for none */
export function isMultiple(value: Amount, step: Amount): boolean {
  return step.isZero() || value.mod(step).isZero();
}

/** The multiple of `step` (above 0) at or below `value`; of negative ones the one further from zero. */
export function floorTo(value: Amount, step: Amount): Amount {
  const rest = value.mod(step);
  return rest.isNegative() && !rest.isZero() ? value.minus(rest).minus(step) : value.minus(rest);
}

/** The multiple of `step` (above 0) at or above `value`. */
export function ceilTo(value: Amount, step: Amount): Amount {
  const below = floorTo(value, step);
  return below.eq(value) ? below : below.plus(step);
}

/** For people: the multiples of `step` around a value that is none. */
export function neighboursText(value: Amount, step: Amount): string {
  return `${plain(floorTo(value, step))} or ${plain(ceilTo(value, step))}`;
}

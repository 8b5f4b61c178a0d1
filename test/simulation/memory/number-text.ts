/** Numbers of DynamoDB: decimals of up to 38 digits, kept as text without superfluous zeros and without an exponent. */
import { Decimal } from 'decimal.js';
import { validation } from './dynamodb-errors.ts';

const digitsMax = 38;
const exponentMax = 125;
const exponentMin = -130;
/** Text that is as DynamoDB writes it. */
const canonical = /^(?:0|-?[1-9]\d*|-?(?:0|[1-9]\d*)\.\d*[1-9])$/;
const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** So many characters are told apart by a double as well. */
const doubleLength = 15;
const Wide = Decimal.clone({ precision: 400 });

/** @throws ValidationException when it is none that DynamoDB stores */
export function numberText(text: string): string {
  if (text.length <= digitsMax && canonical.test(text)) return text;
  if (!number.test(text))
    throw validation(`The parameter cannot be converted to a numeric value${text === '' ? '' : `: ${text}`}`);
  const value = new Wide(text);
  if (value.isZero()) return '0';
  if (value.e > exponentMax)
    throw validation(
      'Number overflow. Attempting to store a number with magnitude larger than supported range',
    );
  if (value.e < exponentMin)
    throw validation(
      'Number underflow. Attempting to store a number with magnitude smaller than supported range',
    );
  if (value.precision() > digitsMax)
    throw validation('Attempting to store more than 38 significant digits in a Number');
  return value.toFixed();
}

export function sameNumber(left: string, right: string): boolean {
  return left === right || numberText(left) === numberText(right);
}

export function compareNumbers(left: string, right: string): number {
  if (isShort(left) && isShort(right)) return Number(left) - Number(right);
  return new Wide(left).comparedTo(right);
}

export function addNumbers(left: string, right: string, sign: 1 | -1): string {
  return numberText(new Wide(left).plus(new Wide(right).times(sign)).toFixed());
}

/** What it takes of the 400 KB of an item: one byte for two digits, and one, and one for a minus. */
export function numberBytes(text: string): number {
  const digits = text.replace(/^-?0?\.?0*|[.]|0+$/g, '').length;
  return Math.ceil(digits / 2) + 1 + (text.startsWith('-') ? 1 : 0);
}

function isShort(text: string): boolean {
  return text.length <= doubleLength && canonical.test(text);
}

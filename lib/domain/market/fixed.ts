/**
 * Scaled integers for the hot tick path: a price of 1323.4 is the integer 132340000000 (scale 1e8). Exact as long as
 * the integer fits in 53 bits; what does not fit, or would lose a digit that is not zero, becomes NaN and is counted
 * by whoever asked, never rounded. Money is decimal.js elsewhere; a tick is only compared and summed.
 */

/** Decimal places of scaled prices: covers forex and crypto quotes, up to 90 million in front of the point. */
export const priceDecimals = 8;

/** Decimal places of scaled sizes and volumes: fractional shares are traded in 0.0001. */
export const sizeDecimalsDefault = 4;

/** Decimal places of sizes for an IB security type; crypto is traded in 0.00000001. */
export function sizeDecimalsFor(secType: string): number {
  return secType === 'CRYPTO' ? 8 : sizeDecimalsDefault;
}

/** Where a scan stands in a text. */
interface Cursor {
  at: number;
}

const powers = Array.from({ length: 17 }, (_, exponent) => 10 ** exponent);
/** More zeros than any number that fits; larger counts need no distinction. */
const zerosMax = 16;

/**
 * Reads the number that starts at `cursor.at` and ends at the first character that cannot belong to it, and leaves the
 * cursor there; without a number it does not move. The result is scaled by `decimals`, or NaN.
 */
function scan(text: string, cursor: Cursor, decimals: number): number {
  let at = cursor.at;
  let code = at < text.length ? text.charCodeAt(at) : 0;
  const negative = code === 45;
  if (negative || code === 43) code = ++at < text.length ? text.charCodeAt(at) : 0;
  // Significant digits so far, and the zeros after them that may turn out to be trailing ones.
  let value = 0;
  let zeros = 0;
  let fraction = 0;
  let digits = 0;
  let point = false;
  for (;;) {
    if (code === 48) {
      if (value !== 0) zeros += 1;
      if (point) fraction += 1;
      digits += 1;
    } else if (code > 48 && code <= 57) {
      value = value * powers[zeros < zerosMax ? zeros + 1 : zerosMax]! + (code - 48);
      zeros = 0;
      if (point) fraction += 1;
      digits += 1;
    } else if (code === 46 && !point) {
      point = true;
    } else break;
    code = ++at < text.length ? text.charCodeAt(at) : 0;
  }
  if (digits === 0) return Number.NaN;
  cursor.at = at;
  let exponent = 0;
  if (code === 101 || code === 69) exponent = scanExponent(text, cursor);
  if (value === 0) return 0;
  const shift = decimals + zeros - fraction + exponent;
  // The last digit of `value` is not zero, so a negative shift would lose it.
  if (shift < 0 || shift > zerosMax) return Number.NaN;
  const scaled = value * powers[shift]!;
  if (scaled > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return negative ? -scaled : scaled;
}

/** The exponent that starts at the cursor's `e`; without digits the cursor stays on the `e`. */
function scanExponent(text: string, cursor: Cursor): number {
  let at = cursor.at + 1;
  let code = at < text.length ? text.charCodeAt(at) : 0;
  const negative = code === 45;
  if (negative || code === 43) code = ++at < text.length ? text.charCodeAt(at) : 0;
  const first = at;
  let exponent = 0;
  while (code >= 48 && code <= 57) {
    if (exponent < 100_000) exponent = exponent * 10 + (code - 48);
    code = ++at < text.length ? text.charCodeAt(at) : 0;
  }
  if (at === first) return 0;
  cursor.at = at;
  return negative ? -exponent : exponent;
}

/** Decimal text (`1323.4`, `-0.25`, `1e-7`, `100.0000000000000000`) to a scaled integer; NaN for anything else. */
export function parseFixed(text: string, decimals: number = priceDecimals): number {
  const cursor = { at: 0 };
  const value = scan(text, cursor, decimals);
  return cursor.at === text.length ? value : Number.NaN;
}

export const parsePrice = (text: string): number => parseFixed(text, priceDecimals);

export const parseSize = (text: string, decimals: number = sizeDecimalsDefault): number =>
  parseFixed(text, decimals);

/**
 * A double as @stoqey/ib gives it, read as its shortest decimal text (0.1 is 0.1, not 0.1000000000000000055…), to a
 * scaled integer; NaN as `parseFixed` gives it, so also for IB's "no value" of 1.79e308.
 */
export function fromNumber(value: number, decimals: number = priceDecimals): number {
  const scale = powers[decimals]!;
  const scaled = Math.round(value * scale);
  // Up to 15 digits a decimal and its double belong to each other one to one. Adding 0 takes the sign off -0.
  if (scaled < 1e15 && scaled > -1e15) return scaled / scale === value ? scaled + 0 : Number.NaN;
  return parseFixed(String(value), decimals);
}

/**
 * A scaled integer as canonical decimal text: no exponent, no trailing zeros, no `-0`. Throws a RangeError for NaN
 * and for what is no integer.
 */
export function formatFixed(value: number, decimals: number = priceDecimals): string {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no scaled integer and has no text.`);
  const scale = powers[decimals]!;
  const size = Math.abs(value);
  const fraction = size % scale;
  const whole = `${value < 0 ? '-' : ''}${(size - fraction) / scale}`;
  if (fraction === 0) return whole;
  return `${whole}.${String(fraction).padStart(decimals, '0').replace(/0+$/, '')}`;
}

export const formatPrice = (value: number): string => formatFixed(value, priceDecimals);

export const formatSize = (value: number, decimals: number = sizeDecimalsDefault): string =>
  formatFixed(value, decimals);

/**
 * IB's RTVolume tick (generic tick 233, tick type 48): `price;size;timeMs;cumVolume;vwap;single`, for example
 * `187.53;100.0000000000000000;1767625800123;12345.0000000000000000;187.61234567;true`. The hottest text of all: read
 * in one pass into a struct that the caller owns, with nothing allocated. What follows the cumulative volume is not
 * read, because nothing rests on it.
 */
import { parseFixed, priceDecimals, sizeDecimalsDefault } from './fixed.ts';

/** One print, in scaled integers. */
export interface RtVolume {
  /** NaN when `hasPrice` is false. */
  price: number;
  size: number;
  /** Trade time, Unix milliseconds, UTC. */
  timeMs: number;
  /** Volume of the session so far, this print included. */
  cumVolume: number;
  /** False when IB sends size and volume without a price, which is legal. */
  hasPrice: boolean;
}

export function createRtVolume(): RtVolume {
  return { price: Number.NaN, size: 0, timeMs: 0, cumVolume: 0, hasPrice: false };
}

const semicolon = 59;
const powers = Array.from({ length: priceDecimals + 1 }, (_, exponent) => 10 ** exponent);

/**
 * The text as bytes. It comes as a slice of the frame, and V8 looks behind the slice at every `charCodeAt`: one copy
 * costs less than half of that. One buffer for all calls, because a parse ends before the next one begins.
 */
const bytes = new Uint8Array(256);
const encoder = new TextEncoder();
/** Where the last scan ended. */
let end = 0;

/**
 * Reads `text` into `out`. False when it is malformed, or a number in it does not fit (see `parseFixed`); `out` is then
 * half written and means nothing.
 */
export function parseRtVolume(text: string, out: RtVolume, sizeDecimals = sizeDecimalsDefault): boolean {
  const { written } = encoder.encodeInto(text, bytes);
  // A zero behind the text ends every scan. A text that fills the buffer is none of IB's.
  if (written === bytes.length) return false;
  bytes[written] = 0;
  out.hasPrice = true;
  out.price = scan(0, priceDecimals);
  if (bytes[end] !== semicolon || Number.isNaN(out.price)) return parseSlowly(text, out, sizeDecimals);
  out.size = scan(end + 1, sizeDecimals);
  if (bytes[end] !== semicolon || Number.isNaN(out.size)) return parseSlowly(text, out, sizeDecimals);
  out.timeMs = scan(end + 1, 0);
  if (bytes[end] !== semicolon || Number.isNaN(out.timeMs)) return parseSlowly(text, out, sizeDecimals);
  out.cumVolume = scan(end + 1, sizeDecimals);
  if (bytes[end] !== semicolon || Number.isNaN(out.cumVolume)) return parseSlowly(text, out, sizeDecimals);
  return true;
}

/** Reads a plain number at `from`, scaled. NaN, or an `end` on no semicolon, for everything that is not plain. */
function scan(from: number, decimals: number): number {
  let at = from;
  let code = bytes[at]!;
  const negative = code === 45;
  if (negative) code = bytes[++at]!;
  const first = at;
  let value = 0;
  while (code >= 48 && code <= 57) {
    value = value * 10 + (code - 48);
    code = bytes[++at]!;
  }
  // Without a digit before the point it is not plain.
  if (at === first) return Number.NaN;
  let missing = decimals;
  if (code === 46) {
    code = bytes[++at]!;
    while (code >= 48 && code <= 57 && missing > 0) {
      value = value * 10 + (code - 48);
      missing -= 1;
      code = bytes[++at]!;
    }
    // IB pads with zeros; any other digit beyond the scale stops here, on no semicolon.
    while (code === 48) code = bytes[++at]!;
  }
  end = at;
  const scaled = value * powers[missing]!;
  // Beyond 2^53 a double may have been rounded, but never to below it: one look at the end is enough.
  if (scaled > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return negative && scaled !== 0 ? -scaled : scaled;
}

/** Every form of number that decimal text may have, and the missing price: rare, so plain. */
function parseSlowly(text: string, out: RtVolume, sizeDecimals: number): boolean {
  const [price, size, time, cumVolume, rest] = text.split(';', 5);
  if (size === undefined || time === undefined || cumVolume === undefined || rest === undefined) return false;
  out.hasPrice = price !== '';
  out.price = out.hasPrice ? parseFixed(price!, priceDecimals) : Number.NaN;
  out.size = parseFixed(size, sizeDecimals);
  out.timeMs = parseFixed(time, 0);
  out.cumVolume = parseFixed(cumVolume, sizeDecimals);
  if (out.hasPrice && Number.isNaN(out.price)) return false;
  return !(Number.isNaN(out.size) || Number.isNaN(out.timeMs) || Number.isNaN(out.cumVolume));
}

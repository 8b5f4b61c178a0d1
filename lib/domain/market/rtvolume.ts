/**
 * IB's RTVolume tick (generic tick 233, tick type 48): `price;size;timeMs;cumVolume;vwap;single`, for example
 * `187.53;100.0000000000000000;1767625800123;12345.0000000000000000;187.61234567;true`. Read in one pass over the
 * characters into a struct that the caller owns: no `split`, nothing allocated.
 */
import { type Cursor, priceDecimals, scanFixed, sizeDecimalsDefault } from './fixed.ts';

/** One print, in scaled integers. */
export interface RtVolume {
  /** NaN when `hasPrice` is false. */
  price: number;
  size: number;
  /** Trade time, Unix milliseconds, UTC. */
  timeMs: number;
  /** Volume of the session so far, this print included. */
  cumVolume: number;
  /** Volume weighted average price of the session; NaN when there is none or it has too many decimals. */
  vwap: number;
  /** Whether one market maker filled the whole print. */
  single: boolean;
  /** False when IB sends size and volume without a price, which is legal. */
  hasPrice: boolean;
}

export function createRtVolume(): RtVolume {
  return { price: Number.NaN, size: 0, timeMs: 0, cumVolume: 0, vwap: 0, single: false, hasPrice: false };
}

const semicolon = 59;
/** One for all calls: a parse ends before the next one begins. */
const cursor: Cursor = { at: 0 };

/**
 * Reads `text` into `out`. False when it is malformed, or a number in it does not fit (see `scanFixed`; the average
 * may); `out` is then half written and means nothing.
 */
export function parseRtVolume(text: string, out: RtVolume, sizeDecimals = sizeDecimalsDefault): boolean {
  cursor.at = 0;
  out.price = scanFixed(text, cursor, priceDecimals);
  out.hasPrice = cursor.at > 0;
  if (text.charCodeAt(cursor.at) !== semicolon || (out.hasPrice && Number.isNaN(out.price))) return false;

  // A field without a number is NaN, like one whose number does not fit.
  cursor.at += 1;
  out.size = scanFixed(text, cursor, sizeDecimals);
  if (text.charCodeAt(cursor.at) !== semicolon || Number.isNaN(out.size)) return false;

  cursor.at += 1;
  out.timeMs = scanFixed(text, cursor, 0);
  if (text.charCodeAt(cursor.at) !== semicolon || Number.isNaN(out.timeMs)) return false;

  cursor.at += 1;
  out.cumVolume = scanFixed(text, cursor, sizeDecimals);
  if (text.charCodeAt(cursor.at) !== semicolon || Number.isNaN(out.cumVolume)) return false;

  cursor.at += 1;
  out.vwap = scanFixed(text, cursor, priceDecimals);
  if (text.charCodeAt(cursor.at) !== semicolon) return false;

  const length = text.length - cursor.at - 1;
  out.single = length === 4;
  return out.single ? text.endsWith('true') : length === 5 && text.endsWith('false');
}

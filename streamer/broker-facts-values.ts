import { Decimal } from 'decimal.js';
import { Temporal } from 'temporal-polyfill';
import { resolveTimeZone } from '../lib/domain/market/time-zones.ts';

/** Numbers and times as IB writes them and @stoqey/ib decodes them, as the values that the domain works with. */

/** IB's word for "no value" of a whole number; of a decimal it is the greatest double. */
const NO_INTEGER = 2_147_483_647;

/** A message whose most important field cannot be read: better lost and told than believed. */
export class BrokerMessageError extends Error {
  override readonly name = 'BrokerMessageError';
  readonly code = 'BROKER_MESSAGE_UNREADABLE';

  constructor(what: string) {
    super(
      `BROKER_MESSAGE_UNREADABLE: ${what}. The message is left out; the next lists of the broker tell it again. If it comes back, the gateway's version speaks in a way that this one does not know.`,
    );
  }
}

/**
 * Where the gateway wrote something else for a number than one: a sentinel would be undefined by now.
 *
 * @throws BrokerMessageError
 */
export function noNaN(what: string, ...numbers: readonly (number | undefined)[]): void {
  if (numbers.some(Number.isNaN))
    throw new BrokerMessageError(`${what} has something else where a number belongs`);
}

/**
 * Decimal text of a double. A double decoded from decimal text is the nearest one to it, and its shortest text is that
 * text again, up to 15 digits. Null for IB's sentinels, for what is missing and for what is no number.
 */
export function decimalText(value: number | undefined): string | null {
  if (value === undefined || !Number.isFinite(value)) return null;
  if (Math.abs(value) >= Number.MAX_VALUE) return null;
  return new Decimal(value).toFixed();
}

/** Decimal text of a quantity; `0` where IB says nothing. */
export function quantityText(value: number | undefined): string {
  return isQuantity(value) ? (decimalText(value) ?? '0') : '0';
}

/** False for every way that IB has of leaving a quantity out, the greatest integer among them. */
export function isQuantity(value: number | undefined): boolean {
  return decimalText(value) !== null && value !== NO_INTEGER;
}

/** IB's id; 0 for what it leaves out, and for numbers that a double cannot tell from their neighbours. */
export function idOf(value: number | undefined): number {
  return value === undefined || value === NO_INTEGER || !Number.isSafeInteger(value) ? 0 : value;
}

/** `20260105  09:30:00`, `20260105 09:30:00 US/Eastern`, `20260105-09:30:00` (UTC). */
const timeShape = /^(\d{4})(\d\d)(\d\d)(-| +)(\d\d):(\d\d):(\d\d)(?: +(\S.*))?$/;

/**
 * Unix milliseconds UTC of IB's text of a time. Without a zone of its own, or with one that nobody knows, it is the
 * gateway's. Of a time that the end of summer time repeats it is the first; of one that its beginning leaves out, the
 * same distance after the change. Null where the text is no time.
 */
export function brokerTimeMs(text: string | undefined, timeZone: string): number | null {
  const match = timeShape.exec(text?.trim() ?? '');
  if (match === null) return null;
  const [, year, month, day, separator, hour, minute, second, zone] = match;
  const named = zone === undefined ? undefined : resolveTimeZone(zone);
  const where = separator === '-' && zone === undefined ? 'UTC' : (named ?? resolveTimeZone(timeZone));
  try {
    return Temporal.PlainDateTime.from(`${year}-${month}-${day}T${hour}:${minute}:${second}`).toZonedDateTime(
      where ?? 'UTC',
    ).epochMilliseconds;
  } catch {
    return null;
  }
}

/**
 * The field types that the event schemas share. Prices, sizes and volumes are decimal text, because JSON numbers
 * become binary floats in most readers; times are Unix milliseconds in UTC, or ISO-8601 text that ends in `Z`.
 */
import * as z from 'zod';

/** Decimal text in canonical form: no exponent, no leading or trailing zero, no `+`, no `-0`. */
const canonicalDecimal = /^(?!-0$)-?(0|[1-9]\d*)(\.\d*[1-9])?$/;

/** A price: may be negative (spreads, and crude oil in April 2020). */
export const price = z
  .string()
  .regex(canonicalDecimal, 'must be decimal text in canonical form, for example "1323.4"');

/** A size or volume: never negative. */
export const quantity = z
  .string()
  .regex(canonicalDecimal, 'must be decimal text in canonical form, for example "12"')
  .refine((text) => !text.startsWith('-'), 'must not be negative');

export const timeMs = z.int().nonnegative();

export const isoUtc = z.iso.datetime({
  error: 'must be ISO-8601 in UTC, for example "2026-01-05T14:30:00.000Z"',
});

/** IB's key of a contract. */
export const conId = z.int().positive().describe("IB's key of the contract");

export const symbol = z.string().min(1).describe('Local symbol of the contract, for example `GCZ3`');

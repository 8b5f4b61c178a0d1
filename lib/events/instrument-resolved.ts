import * as z from 'zod';
import type { Instrument } from '../domain/market/instrument.ts';
import { conId, price, quantity } from './fields.ts';

/** A configured symbol was resolved to one contract of the broker. */
export const instrumentResolved = z.object({
  conId,
  configured: z
    .string()
    .min(1)
    .describe('The name in the configuration: root, local symbol, or conId as text'),
  symbol: z.string().min(1).describe('Root symbol, for example `GC`'),
  localSymbol: z.string().min(1).describe("IB's local symbol, for example `GCZ3`"),
  secType: z.string().min(1).describe('`STK`, `FUT`, `OPT`, `FOP`, `CASH`, `BAG`, `IND`, `CRYPTO`'),
  exchange: z.string().describe('Exchange that the contract was resolved on'),
  currency: z.string().min(1).describe('ISO 4217 code'),
  multiplier: quantity.describe('Value of one point in `currency`; decimal text, `1` where IB sends none'),
  minTick: price.describe('Smallest price step; decimal text. A floor: the step can grow with the price'),
  lotSize: quantity
    .exactOptional()
    .describe('Least quantity of an order and its step; decimal text, `1` where it is left out'),
  timeZone: z.string().describe('IANA time zone of `tradingHours`'),
  tradingHours: z.string().describe('As IB sends it, in `timeZone`; empty when unknown'),
  expiry: z
    .string()
    .regex(/^\d{8}$/, 'must be yyyymmdd')
    .exactOptional()
    .describe('Last trade date of derivatives, `yyyymmdd`'),
}) satisfies z.ZodType<Instrument>;

/** The field types that order, fill, position and balance events share. */
import * as z from 'zod';
import type { TradedContract } from '../domain/orders/contract.ts';
import { price, quantity } from './fields.ts';

/** Decimal text of either sign. */
export const signed = price;

export const tradedContract = z
  .object({
    conId: z.int().nonnegative().describe("IB's key of the contract; 0 for combinations"),
    symbol: z.string(),
    secType: z.string().min(1).describe('STK, FUT, OPT, FOP, CASH, BAG and others'),
    localSymbol: z.string(),
    exchange: z.string(),
    currency: z.string(),
    multiplier: quantity.describe('Decimal text; `1` where IB gives none'),
    lastTradeDate: z.string().describe('`yyyymmdd`, `yyyymm` or empty'),
    strike: quantity,
    right: z.string().describe('`C`, `P` or empty'),
    tradingClass: z.string(),
  })
  .describe('What it is in; text as IB writes it') satisfies z.ZodType<TradedContract>;

/** How IB and the desk call an order. */
export const orderIdentity = {
  orderKey: z.string().min(1).describe('Key of the order in the book; never changes'),
  permId: z.int().nonnegative().describe('Unique in the account; 0 until IB has given it'),
  clientId: z.int().describe('API client that placed it'),
  orderId: z.int().describe('Id at that client; 0 or negative for orders typed into TWS'),
  orderRef: z.string().describe("The sender's reference, may be empty"),
  origin: z.enum(['api', 'manual']).describe('`manual`: typed into TWS'),
};

export const side = z.enum(['BUY', 'SELL']).describe('`BUY` or `SELL`');

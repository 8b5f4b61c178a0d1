import * as z from 'zod';
import type { FillReport } from '../domain/orders/fill-report.ts';
import { orderIdentity, side, tradedContract } from './book-fields.ts';
import { price, quantity, timeMs } from './fields.ts';

/** An execution, or the correction of one, was reported for the first time. */
export const fillReceived = z.object({
  ...orderIdentity,
  execId: z.string().min(1).describe("IB's id of the execution"),
  execBase: z
    .string()
    .min(1)
    .describe('The execId before its last dot: one execution, whatever its revision'),
  revision: z.int().nonnegative().describe('After the last dot; a higher one replaces the lower'),
  contract: tradedContract,
  side,
  quantity: quantity.describe('Decimal text; `0` is a bust: the execution did not happen'),
  price: price.describe('Decimal text'),
  timeMs: timeMs.describe("IB's time of the execution; Unix milliseconds, UTC"),
  exchange: z.string().describe('Where it was executed'),
  liquidation: z.boolean().describe('IB closed the position by itself'),
  liquidity: z.int().nonnegative().describe('0 unknown, 1 added, 2 removed, 3 routed out'),
  cumulativeQuantity: quantity.describe('As IB says; decimal text'),
  averagePrice: price.describe('As IB says; decimal text'),
  synthetic: z.boolean().describe('Made by reconcile; the real execution replaces it'),
}) satisfies z.ZodType<FillReport>;

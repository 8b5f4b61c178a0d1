import * as z from 'zod';
import { conId, price, quantity, symbol, timeMs } from './fields.ts';

/** A sampled print or quote. Off by default: the bus is no tick feed. */
export const tickReceived = z.object({
  conId,
  symbol,
  kind: z.enum(['trade', 'quote']).describe('`trade` has price and size, `quote` has bid and ask'),
  timeMs: timeMs.describe(
    "The broker's time of the tick where it sends one, else receive time; Unix milliseconds, UTC",
  ),
  price: price.exactOptional().describe('Trade price; decimal text'),
  size: quantity.exactOptional().describe('Trade size; decimal text'),
  bid: price.exactOptional().describe('Best bid; decimal text'),
  ask: price.exactOptional().describe('Best ask; decimal text'),
  bidSize: quantity.exactOptional().describe('Size at the bid; decimal text'),
  askSize: quantity.exactOptional().describe('Size at the ask; decimal text'),
});

import * as z from 'zod';
import { conId, price, quantity, symbol, timeMs } from './fields.ts';

/** A print came too late to change its bar; it is recorded here and changes nothing. */
export const tickLate = z.object({
  conId,
  symbol,
  timeMs: timeMs.describe("The print's own time; Unix milliseconds, UTC"),
  price: price.describe('Trade price; decimal text'),
  size: quantity.describe('Trade size; decimal text'),
  latenessMs: z.int().nonnegative().describe('How long after the end of its bar it came, milliseconds'),
});

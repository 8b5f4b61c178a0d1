import * as z from 'zod';
import { gapFields } from './gap-detected.ts';

/** Historical bars closed the gap. */
export const gapFilled = z.object({
  ...gapFields,
  bars: z.int().nonnegative().describe('Bars that came; minutes without a trade have none'),
});

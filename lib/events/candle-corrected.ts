import * as z from 'zod';
import { candleFields } from './candle-completed.ts';

/** A bar that was already published has new numbers; `revision` says which statement this is. */
export const candleCorrected = z.object({
  ...candleFields,
  reason: z
    .enum(['late-tick', 'backfill'])
    .describe('`late-tick`: a print up to 60 s late; `backfill`: historical bars replaced it'),
});

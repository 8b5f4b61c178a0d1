import * as z from 'zod';
import type { Candle } from '../domain/market/candle.ts';
import { conId, price, quantity, symbol, timeMs } from './fields.ts';

/** The fields of one bar. `candle.corrected` has the same ones and a reason. */
export const candleFields = {
  conId,
  symbol,
  intervalMs: z.int().positive().describe('Length of the bar, milliseconds; 60000 for one minute'),
  startMs: timeMs.describe('Start of the bar, its label; Unix milliseconds, UTC'),
  sessionDate: z.iso.date().describe("The exchange's session (trade) date, `yyyy-mm-dd`"),
  open: price.describe('First price; decimal text'),
  high: price.describe('Highest price; decimal text'),
  low: price.describe('Lowest price; decimal text'),
  close: price.describe('Last price; decimal text'),
  volume: quantity.describe('Contracts or shares; decimal text'),
  tickCount: z
    .int()
    .nonnegative()
    .describe('Prints that made the bar; 0 for flat and for most backfilled bars'),
  source: z
    .enum(['live', 'flat', 'backfill'])
    .describe('`live`: from prints; `flat`: silent minute on a live feed; `backfill`: historical bar'),
  volumeSource: z
    .enum(['rtvolume', 'tick-by-tick', 'tick8', 'historical'])
    .describe('Where the volume comes from'),
  partial: z.boolean().describe('True when prints may be missing'),
  noTrades: z.boolean().describe('True when no trade printed in the bar'),
  epoch: z.int().nonnegative().describe("Fencing token of the streamer's lease when it built the bar"),
  revision: z.int().nonnegative().describe('0 for the first statement, one more for each correction'),
};

/** A bar was closed for the first time. */
export const candleCompleted = z.object(candleFields) satisfies z.ZodType<Candle>;

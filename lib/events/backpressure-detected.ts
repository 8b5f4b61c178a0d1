import * as z from 'zod';

/** The tick buffer is filling up, or has dropped ticks. Seeds' alert type: `live_data_backpressure_drop`. */
export const backpressureDetected = z.object({
  utilisation: z.number().min(0).max(1).describe('Depth divided by capacity, 0 to 1'),
  depth: z.int().nonnegative().describe('Ticks in the buffer'),
  capacity: z.int().positive().describe('Ticks that the buffer can hold'),
  droppedQuotes: z.int().nonnegative().describe('Quotes dropped since the start'),
  droppedTrades: z.int().nonnegative().describe('Trades dropped since the start'),
});

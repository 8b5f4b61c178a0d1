import * as z from 'zod';

/** A queue of the streamer is filling up, or ticks were dropped. Seeds' alert type: `live_data_backpressure_drop`. */
export const backpressureDetected = z.object({
  queue: z
    .enum(['ticks', 'outbox'])
    .default('ticks')
    .describe('What fills up: the buffer of ticks, or the outbox of events that the bus has not taken yet'),
  utilisation: z.number().min(0).max(1).describe('Depth divided by capacity, 0 to 1'),
  depth: z.int().nonnegative().describe('Ticks in the buffer, events in the outbox'),
  capacity: z.int().positive().describe('How many it can hold'),
  droppedQuotes: z
    .int()
    .nonnegative()
    .describe('Quotes dropped since the start; 0 of the outbox, which drops nothing'),
  droppedTrades: z.int().nonnegative().describe('Trades dropped since the start; 0 of the outbox'),
});

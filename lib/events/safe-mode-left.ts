import * as z from 'zod';

/** The streamer left its own safe mode, because the session is ready again. */
export const safeModeLeft = z.object({
  reason: z.string().min(1).describe('What made it leave'),
});

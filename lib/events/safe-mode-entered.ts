import * as z from 'zod';

/** The streamer went into its own safe mode: it keeps trying to connect, once a minute. */
export const safeModeEntered = z.object({
  reason: z.string().min(1).describe('What made it enter'),
});

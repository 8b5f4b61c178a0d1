import * as z from 'zod';

/** So many attempts to connect failed in a row that the streamer now tries slowly. */
export const circuitBreakerTriggered = z.object({
  failures: z.int().positive().describe('Attempts that failed in a row'),
  lastError: z.string().describe('Text of the last failure'),
  retryEveryMs: z.int().positive().describe('Milliseconds between attempts from now on'),
});

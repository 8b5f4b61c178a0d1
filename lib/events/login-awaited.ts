import * as z from 'zod';
import { timeMs } from './fields.ts';

/** The weekly login is missing: a person must confirm the second factor before the session can come back. */
export const loginAwaited = z.object({
  sinceMs: timeMs.describe('When the login ended; Unix milliseconds, UTC'),
  waitingMs: z.int().nonnegative().describe('How long it has been missing, milliseconds'),
});

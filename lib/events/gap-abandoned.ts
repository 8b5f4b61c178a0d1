import * as z from 'zod';
import { gapFields } from './gap-detected.ts';

/** Backfill gave up: the bars of this span stay missing or partial until somebody asks again. */
export const gapAbandoned = z.object({
  ...gapFields,
  attempts: z.int().nonnegative().describe('Requests that were made'),
  lastError: z.string().describe("The broker's or our own last error text"),
});

/** Fields that the events of plans share. */
import * as z from 'zod';

export const planHash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('Hash of the plan: SHA-256 of its canonical JSON');

export const planProgress = {
  actions: z.int().nonnegative().describe('Actions of the plan'),
  done: z.int().nonnegative().describe('Actions that are carried out, in the order of the plan'),
};

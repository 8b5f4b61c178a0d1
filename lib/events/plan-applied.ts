import * as z from 'zod';
import { planHash, planProgress } from './plan-fields.ts';

/** Every action of a plan is carried out. Cancels are sent; whether the broker has cancelled, its own events say. */
export const planApplied = z.object({
  planHash,
  runId: z.string().min(1).describe('The run that staged it'),
  by: z.string().min(1).describe('Who approved it'),
  ...planProgress,
  backupId: z.string().min(1).describe('The backup that was made before the first action'),
});

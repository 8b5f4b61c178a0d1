import * as z from 'zod';
import { planHash } from './plan-fields.ts';

/** A plan may be carried out: a person said so, or the policy of `auto_sync`. */
export const planApproved = z.object({
  planHash,
  runId: z.string().min(1).describe('The run that staged it'),
  by: z.string().min(1).describe('ARN of the person, as STS gave it; `policy auto_sync` for the policy'),
  reason: z.string().describe('Why'),
  actions: z.int().nonnegative().describe('Actions of the plan'),
  start: z
    .enum(['at_once', 'asked'])
    .describe('`at_once`: it is applied by what approved it; `asked`: this event is what starts it'),
});

import * as z from 'zod';
import { planHash, planProgress } from './plan-fields.ts';

/** What was asked of a plan was not done: to approve it, to apply it, to go on with it. */
export const planRefused = z.object({
  planHash,
  code: z
    .string()
    .regex(/^[A-Z]+(_[A-Z]+)*$/)
    .describe('Why, for example `PLAN_STALE`; docs/reconcile.md lists them'),
  message: z.string().min(1).describe('What happened, what it means and what to do'),
  by: z.string().min(1).describe('Who asked, as far as it is known'),
  state: z
    .enum(['unknown', 'staged', 'approved', 'applying', 'applied', 'refused', 'rejected', 'superseded'])
    .describe('Of the plan now; `refused`: it can never be applied; `unknown`: there is no such plan'),
  ...planProgress,
});

import * as z from 'zod';
import { isoUtc } from './fields.ts';
import { runId } from './reconcile-completed.ts';

const count = z.int().nonnegative();

/** A plan lies ready for review. It replaces the one before. */
export const planStaged = z.object({
  runId,
  planHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('What is approved: SHA-256 of everything that the plan would do'),
  inserts: count.describe('Items that it would add to the book'),
  updates: count.describe('Items that it would change'),
  deletes: count.describe('Items that it would mark as deleted, or remove'),
  cancels: count.describe('Orders at the broker that it would cancel'),
  ambiguous: count.describe('Matches that are in question; a plan with any is refused as a whole'),
  refusedCode: z
    .string()
    .describe('Why it cannot be carried out: `PLAN_AMBIGUOUS`, `PLAN_MASS_CHANGE`; empty where it can'),
  expiresAt: isoUtc.describe('After it the plan is refused'),
  stagedActions: z.string().min(1).describe('Key of `staged_actions.json` in the bucket of reconcile'),
});

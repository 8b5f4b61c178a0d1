import * as z from 'zod';
import { reconcileModes } from '../domain/reconcile/types.ts';
import { severities } from './alert-raised.ts';

export const runId = z
  .string()
  .regex(/^run_\d{8}_\d{6}_[0-9a-f]{6}$/)
  .describe('`run_YYYYMMDD_HHMMSS_<6 hex>`, UTC');

/** A plan's hash, or nothing. */
export const planHash = z.string().regex(/^([0-9a-f]{64})?$/);

const count = z.int().nonnegative();

/** A run of reconcile has ended, however it ended. */
export const reconcileCompleted = z.object({
  runId,
  status: z
    .enum(['COMPLETED', 'AWAITING_DRY_RUN_CONFIRM', 'DRY_RUN', 'POSTPONED', 'REFUSED', 'FAILED'])
    .describe('How it ended'),
  code: z.string().describe('Why it was refused or postponed, for example `STALE_DATA`; empty otherwise'),
  reason: z.string().describe('The same for a person'),
  mode: z.enum(reconcileModes).describe('`strict`, `warn` or `auto_sync`'),
  trigger: z.enum(['schedule', 'start', 'operator', 'plan']).describe('What asked for it'),
  by: z.string().min(1).describe('Who asked'),
  summary: z.string().min(1).describe('`IB: 3, Book: 3, Discrepancies: 0 (0 critical)`'),
  discrepancies: count.describe('Open discrepancies'),
  critical: count.describe('Those of them that are CRITICAL'),
  types: z.record(z.string(), count).describe('How many there are of each type'),
  severities: z.partialRecord(z.enum(severities), count).describe('How many there are of each severity'),
  untold: count.describe(
    'Discrepancies opened or resolved that have no event of their own: too many at once',
  ),
  planHash: planHash.describe('Of the plan that stands; empty for none'),
  actions: count.describe('Actions of the plan that this run made'),
  lock: z.enum(['locked', 'open']).describe('The reconcile lock after it'),
  lockReason: z.string().describe('Why it is so'),
  evidence: z
    .string()
    .describe('Key of the evidence in the bucket of reconcile; empty where nothing was judged'),
  durationMs: count.describe('From its beginning to its end'),
});

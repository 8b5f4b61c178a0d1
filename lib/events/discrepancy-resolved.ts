import * as z from 'zod';
import { discrepancyTypes } from '../domain/reconcile/types.ts';
import { severities } from './alert-raised.ts';
import { isoUtc } from './fields.ts';
import { runId } from './reconcile-completed.ts';

/** Broker and book agree again about what an earlier run found. */
export const discrepancyResolved = z.object({
  runId,
  discrepancyId: z.string().min(1).describe('As it was opened'),
  type: z.enum(discrepancyTypes).describe('Kind of the discrepancy'),
  severity: z.enum(severities).describe('`INFO`, `MEDIUM`, `HIGH` or `CRITICAL`'),
  firstSeen: isoUtc.describe('When the first run found it'),
  runs: z.int().positive().describe('Runs that found it'),
});

import * as z from 'zod';
import { discrepancyTypes } from '../domain/reconcile/types.ts';
import { severities } from './alert-raised.ts';
import { runId } from './reconcile-completed.ts';

/** Broker and book differ in something that the run before did not find. */
export const discrepancyOpened = z.object({
  runId,
  discrepancyId: z
    .string()
    .min(1)
    .describe('`<type>:<subject>`; the same difference has the same id in every run'),
  type: z.enum(discrepancyTypes).describe('Kind of the discrepancy'),
  severity: z.enum(severities).describe('`INFO`, `MEDIUM`, `HIGH` or `CRITICAL`'),
  subject: z.string().min(1).describe('What it is about: `order P17`, `position 495512563`, `cash USD`'),
  symbol: z.string().describe('Contract or symbol; empty for none'),
  broker: z.string().describe('What the broker says'),
  book: z.string().describe('What the book says'),
  message: z.string().min(1).describe('What it means and what to do'),
});

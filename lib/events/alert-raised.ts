import * as z from 'zod';

export const severities = ['INFO', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;

/** Something that a person should know. */
export const alertRaised = z.object({
  alert: z
    .string()
    .regex(/^[a-z]+(_[a-z]+)*$/)
    .describe('Kind of the alert, for example `overfill_quarantined`'),
  severity: z.enum(severities).describe('`INFO`, `MEDIUM`, `HIGH` or `CRITICAL`'),
  subject: z.string().min(1).describe('What it is about: an order, an execution, a message'),
  message: z.string().min(1).describe('What happened, what it means and what to do'),
});

import * as z from 'zod';

/** A backup was restored into tables of its own and checked. */
export const drillCompleted = z.object({
  backupId: z.string().min(1).describe('The backup that was restored'),
  ok: z.boolean().describe('Counts and chains were those of the manifest'),
  recoveryTimeMs: z.int().nonnegative().describe('From the first byte read to the checked book'),
  recoveryPointMs: z.int().nonnegative().describe('Age of what was restored when the drill began'),
  items: z.int().nonnegative().describe('Items of the book that were restored'),
  findings: z.array(z.string().min(1)).describe('What differs; empty when nothing does'),
  report: z.string().min(1).describe('Key of the whole report in the bucket of backups'),
});

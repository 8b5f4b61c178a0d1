import * as z from 'zod';
import { isoUtc } from './fields.ts';

/** A backup of the stage is complete: its manifest is in the bucket. */
export const backupCompleted = z.object({
  backupId: z
    .string()
    .regex(/^db_backup_\d{8}_\d{6}$/)
    .describe('`db_backup_YYYYMMDD_HHMMSS`, UTC'),
  number: z.int().positive().describe("Place in the stage's chain of manifests"),
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('Of the manifest: compare it with what `evenkeel backups show` says'),
  instant: isoUtc.describe('The instant that a restore brings back'),
  trigger: z.enum(['schedule', 'operator', 'plan', 'restore']).describe('What asked for it'),
  by: z.string().min(1).describe('Who asked'),
  items: z.int().nonnegative().describe('Items in all parts'),
  bytes: z.int().nonnegative().describe('Before compression'),
  storedBytes: z.int().nonnegative().describe('As they lie in the bucket'),
  durationMs: z.int().nonnegative().describe('From its beginning to its manifest'),
});

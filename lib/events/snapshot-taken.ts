import * as z from 'zod';

const part = z.enum(['ok', 'partial', 'failed']);

/** What the broker has, asked for by a command, lies in the bucket. */
export const snapshotTaken = z.object({
  commandId: z.string().min(1).describe('Id of the command that asked for it'),
  bucket: z.string().min(1).describe('Name of the bucket'),
  key: z.string().min(1).describe('Key of the object'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('Of the object, lower-case hexadecimal'),
  bytes: z.int().positive().describe('Length of the object'),
  parts: z
    .object({
      positions: part,
      openOrders: part,
      completedOrders: part,
      executions: part,
      accountValues: part,
    })
    .describe('`ok`: its end marker came; `partial`: rows but no end; `failed`: nothing usable'),
});

/** Commands to a streamer, by its FIFO queue. Groups: `query#<account>` for questions, `trade#<account>` for orders. */
import * as z from 'zod';
import { isoUtc } from './fields.ts';

const head = {
  id: z.uuid().describe('Made by the sender; sent again with the same id it is the same command'),
  version: z.literal(1),
  account: z.string().min(1),
  issuedAt: isoUtc,
  issuedBy: z.string().min(1).describe('Who asks: an AWS identity, or a function'),
  validUntil: isoUtc.describe('After it the command is not carried out'),
};

export const commandSchema = z.discriminatedUnion('type', [
  z.object({ ...head, type: z.literal('snapshot') }),
  z.object({
    ...head,
    type: z.literal('cancel'),
    permId: z.int().positive().describe('The order, unique in the account'),
    clientId: z
      .int()
      .nonnegative()
      .describe('API client that placed it; orders of others are never cancelled'),
    orderId: z.int().positive().describe('Its id at that client'),
  }),
]);

export type Command = z.infer<typeof commandSchema>;

/** The FIFO group of an account's trading commands: carried out one after the other. */
export function tradeGroup(account: string): string {
  return `trade#${account}`;
}

/** Where the snapshot of a command lies in the bucket. */
export function snapshotKey(account: string, commandId: string): string {
  return `snapshots/${account}/${commandId}.json`;
}

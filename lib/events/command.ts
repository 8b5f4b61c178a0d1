/** Commands to a streamer, by its FIFO queue. Groups: `query#<account>` for questions, `trade#<account>` for orders. */
import * as z from 'zod';
import { isoUtc } from './fields.ts';

export const commandSchema = z.discriminatedUnion('type', [
  z.object({
    id: z.uuid().describe('Made by the sender; sent again with the same id it is the same command'),
    type: z.literal('snapshot'),
    version: z.literal(1),
    account: z.string().min(1),
    issuedAt: isoUtc,
    issuedBy: z.string().min(1).describe('Who asks: an AWS identity, or a function'),
    validUntil: isoUtc.describe('After it the command is not carried out'),
  }),
]);

export type Command = z.infer<typeof commandSchema>;

/** Where the snapshot of a command lies in the bucket. */
export function snapshotKey(account: string, commandId: string): string {
  return `snapshots/${account}/${commandId}.json`;
}

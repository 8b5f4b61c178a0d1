/** Commands to a streamer, by its FIFO queue. Groups: `query#<account>` for questions, `trade#<account>` for orders. */
import * as z from 'zod';
import { legNames, wishedOrderTypes, wishedTimesInForce } from '../domain/orders/order-wish.ts';
import { isoUtc } from './fields.ts';

const head = {
  id: z.uuid().describe('Made by the sender; sent again with the same id it is the same command'),
  version: z.literal(1),
  account: z.string().min(1),
  issuedAt: isoUtc,
  issuedBy: z.string().min(1).describe('Who asks: an AWS identity, or a function'),
  validUntil: isoUtc.describe('After it the command is not carried out'),
};

/** Names an order that is wanted; the sender chooses it, and the same key is the same order for ever. */
export const intentKey = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, 'must be 1 to 64 letters, digits, or . _ : -');

/** As the sender wrote it: the gate answers what is no decimal, and says what would be one. */
const asWritten = z.string().max(40);
const wishedBy = z.enum(['person', 'program']).default('program');

const leg = z.object({
  leg: z.enum(legNames).default('entry'),
  action: z.enum(['BUY', 'SELL']),
  quantity: asWritten,
  orderType: z.enum(wishedOrderTypes),
  limitPrice: asWritten.nullable().default(null),
  stopPrice: asWritten.nullable().default(null),
  timeInForce: z.enum(wishedTimesInForce).default('DAY'),
  outsideRth: z.boolean().default(false),
});

const conId = z.int().positive();

export const commandSchema = z.discriminatedUnion('type', [
  z.object({ ...head, type: z.literal('snapshot') }),
  z.object({
    ...head,
    type: z.literal('place'),
    by: wishedBy,
    key: intentKey.optional().describe('Without one it is made of what is ordered and when'),
    conId,
    order: leg,
  }),
  z.object({
    ...head,
    type: z.literal('place-bracket'),
    by: wishedBy,
    key: intentKey.optional(),
    conId,
    legs: z.array(leg).max(8).describe('The entry, and a take-profit, a stop-loss, or both'),
  }),
  z.object({
    ...head,
    type: z.literal('modify'),
    by: wishedBy,
    key: intentKey.describe('Of the order that was placed'),
    leg: z.enum(legNames).default('entry'),
    quantity: asWritten.optional(),
    limitPrice: asWritten.optional(),
    stopPrice: asWritten.optional(),
  }),
  z.object({
    ...head,
    type: z.literal('cancel'),
    by: wishedBy,
    permId: z.int().positive().describe('The order, unique in the account'),
    clientId: z
      .int()
      .nonnegative()
      .describe('API client that placed it; orders of others are never cancelled'),
    orderId: z.int().positive().describe('Its id at that client'),
  }),
  z.object({
    ...head,
    type: z.literal('cancel-all'),
    by: wishedBy,
    conId: conId.nullable().default(null).describe('Only orders of this contract'),
  }),
  z.object({
    ...head,
    type: z.literal('settle'),
    by: z.literal('person').describe('Somebody who has looked: a program cannot know'),
    orderKey: z.string().min(1).max(200).describe('Key of the order in the book'),
    end: z
      .enum(['Cancelled', 'Filled'])
      .describe('`Cancelled`: what the book has of fills is all. `Filled`: the whole quantity'),
    reason: z.string().trim().min(1).max(500),
  }),
  z.object({
    ...head,
    type: z.literal('flatten'),
    by: wishedBy,
    key: intentKey.optional(),
    conId,
  }),
]);

export type Command = z.infer<typeof commandSchema>;

/** A command as its sender writes it: what has a default may be left out. */
export type CommandInput = z.input<typeof commandSchema>;

import * as z from 'zod';
import { denialCodes } from '../domain/safety/gate-types.ts';

/** What became of a trading command. */
export const commandAnswered = z.object({
  commandId: z.string().describe('Of the command'),
  command: z
    .enum(['place', 'place-bracket', 'modify', 'cancel', 'cancel-all', 'settle', 'flatten'])
    .describe('Its type'),
  issuedBy: z.string().describe('Who asked'),
  key: z
    .string()
    .describe(
      "The intent's key, also where the sender gave none; `''` for a cancel, and for a settle that was accepted",
    ),
  answer: z
    .enum(['accepted', 'denied', 'would-send', 'rejected', 'ambiguous', 'unresolved'])
    .describe(
      '`accepted`: the broker has it. `denied`: it did not leave. `would-send`: DRY_RUN. `rejected`: it left, and the broker refused it. `ambiguous`: it left, and nobody knows yet; an answer follows. `unresolved`: nobody will know by itself',
    ),
  code: z.enum(['', ...denialCodes]).describe("Reason of a denial, `''` otherwise"),
  message: z.string().describe('For a person'),
  allowed: z.string().describe("What would have been allowed, `''` where nothing was denied"),
  orders: z
    .array(
      z.object({
        leg: z.string(),
        orderRef: z.string(),
        orderId: z.int().nonnegative().describe('At our client; 0 for none'),
      }),
    )
    .describe('The orders that the intent has'),
});

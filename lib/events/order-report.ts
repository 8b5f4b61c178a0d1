/** The data that every `order.*` event has: the whole order as it is now, not the difference. */
import * as z from 'zod';
import { type OrderReport, orderStatuses } from '../domain/orders/order-report.ts';
import { orderIdentity, side, tradedContract } from './book-fields.ts';
import { price, quantity } from './fields.ts';

const terms = z
  .object({
    action: side,
    quantity: quantity.describe('Decimal text'),
    orderType: z.string().min(1).describe('MKT, LMT, STP, STP LMT, TRAIL and others'),
    limitPrice: price.nullable(),
    stopPrice: price.nullable().describe("Stop price, or the trailing amount of TRAIL (IB's auxPrice)"),
    trailingPercent: price.nullable(),
    trailStopPrice: price.nullable(),
    timeInForce: z.string().describe('DAY, GTC, IOC, GTD and others'),
    goodTillDate: z.string(),
    outsideRth: z.boolean(),
    ocaGroup: z.string(),
    ocaType: z.int().nonnegative(),
    parentId: z.int().describe("Order id of the bracket's parent at the same client; 0 for none"),
    parentKey: z.string().nullable().describe("Key of the parent's order once it is known"),
  })
  .describe('What was asked for');

const reason = z.object({
  code: z.int().nonnegative().describe("IB's error code; 0 where IB gave only words"),
  message: z.string(),
});

export const orderReport = z.object({
  ...orderIdentity,
  contract: tradedContract,
  terms,
  status: z.enum(orderStatuses).describe('State of the order; docs/orders.md has the table of moves'),
  brokerStatus: z.string().describe("IB's own word; empty where the state follows from something else"),
  whyHeld: z.string().describe('Why IB holds it back, for example `locate`; mostly empty'),
  reason: reason
    .nullable()
    .describe('Why IB refused, cancelled or warned; `code` is 0 where IB gave only words'),
  reportedFilled: quantity.describe('Cumulative quantity that IB reports as filled; decimal text'),
  reportedAveragePrice: price.nullable().describe('Average price that IB reports; decimal text'),
  settled: z
    .object({
      by: z.string().min(1).describe('Who said so, an AWS identity'),
      reason: z.string().min(1),
      commandId: z.string().min(1),
    })
    .optional()
    .describe(
      'Only where a person gave the order its end, because IB does not know it any more; a later word of IB takes its place',
    ),
}) satisfies z.ZodType<OrderReport>;

/**
 * The object that a snapshot command leaves in the bucket: everything that the broker has for one account, each part
 * with its outcome. Only `ok` may lead to a verdict. Written as canonical JSON (RFC 8785) with sorted rows, so that the
 * same answers have the same bytes.
 */
import * as z from 'zod';
import type {
  AccountValueFact,
  CommissionFact,
  CompletedOrderFact,
  ExecutionFact,
  OpenOrderFact,
  OrderStatusFact,
  PositionFact,
} from '../domain/orders/broker-facts.ts';
import { side, signed, tradedContract } from './book-fields.ts';
import { isoUtc, timeMs } from './fields.ts';
import { stages } from './stage.ts';

const account = z.string().min(1);
const text = z.string();

const terms = z.object({
  action: side,
  quantity: text,
  orderType: text,
  limitPrice: signed.nullable(),
  stopPrice: signed.nullable(),
  trailingPercent: signed.nullable(),
  trailStopPrice: signed.nullable(),
  timeInForce: text,
  goodTillDate: text,
  outsideRth: z.boolean(),
  ocaGroup: text,
  ocaType: z.int(),
  parentId: z.int(),
});

const openOrder = z.object({
  kind: z.literal('open-order'),
  account,
  orderId: z.int(),
  clientId: z.int(),
  permId: z.int(),
  orderRef: text,
  contract: tradedContract,
  terms,
  transmit: z.boolean(),
  status: text,
  warning: text,
}) satisfies z.ZodType<OpenOrderFact>;

const orderStatus = z.object({
  kind: z.literal('order-status'),
  orderId: z.int(),
  clientId: z.int(),
  permId: z.int(),
  parentId: z.int(),
  status: text,
  filled: text,
  remaining: text,
  averageFillPrice: text,
  whyHeld: text,
}) satisfies z.ZodType<OrderStatusFact>;

const completedOrder = z.object({
  kind: z.literal('completed-order'),
  account,
  permId: z.int(),
  parentPermId: z.int(),
  orderRef: text,
  contract: tradedContract,
  terms,
  status: text,
  filled: text,
  completedStatus: text,
  completedAtMs: timeMs.nullable(),
}) satisfies z.ZodType<CompletedOrderFact>;

const execution = z.object({
  kind: z.literal('execution'),
  account,
  orderId: z.int(),
  clientId: z.int(),
  permId: z.int(),
  orderRef: text,
  contract: tradedContract,
  execId: text,
  timeMs,
  side,
  quantity: text,
  price: signed,
  exchange: text,
  liquidation: z.boolean(),
  liquidity: z.int(),
  cumulativeQuantity: text,
  averagePrice: signed,
}) satisfies z.ZodType<ExecutionFact>;

const commission = z.object({
  kind: z.literal('commission'),
  execId: text,
  commission: signed.nullable(),
  currency: text,
  realizedPnl: signed.nullable(),
}) satisfies z.ZodType<CommissionFact>;

const position = z.object({
  kind: z.literal('position'),
  account,
  contract: tradedContract,
  position: signed,
  averageCost: signed,
}) satisfies z.ZodType<PositionFact>;

const accountValue = z.object({
  kind: z.literal('account-value'),
  account,
  key: text,
  value: text,
  currency: text,
}) satisfies z.ZodType<AccountValueFact>;

const outcome = z
  .enum(['ok', 'partial', 'failed'])
  .describe('`ok`: its end marker came; `partial`: rows but no end; `failed`: nothing usable');

const part = <T extends z.ZodType>(row: T) => z.object({ outcome, rows: z.array(row) });

export const snapshotDocument = z.object({
  kind: z.literal('evenkeel.snapshot'),
  version: z.literal(1),
  commandId: z.string().min(1),
  stage: z.enum(stages),
  streamer: z.string().min(1),
  account,
  epoch: z.int().nonnegative().describe("Fencing token of the streamer's lease"),
  serverVersion: z.int().nonnegative().describe('Of the TWS protocol, as the gateway speaks it'),
  startedAt: isoUtc.describe('System time before the first question'),
  completedAt: isoUtc.describe('System time after the last answer'),
  brokerTimeMs: timeMs.describe(
    "Market clock after the last answer: the later of the broker's time and the last event's; 0 before its first word",
  ),
  parts: z.object({
    positions: part(position),
    openOrders: part(z.discriminatedUnion('kind', [openOrder, orderStatus])),
    completedOrders: part(completedOrder),
    executions: part(z.discriminatedUnion('kind', [execution, commission])),
    accountValues: part(accountValue),
  }),
});

export type SnapshotDocument = z.infer<typeof snapshotDocument>;

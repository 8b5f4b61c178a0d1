/** Faults of the order side: their schema, and what is prepared for the next orders and fills. */
import * as z from 'zod';

const count = z.int().min(0).max(1_000_000).default(1);
const decimalText = z
  .string()
  .regex(/^-?\d{1,12}(\.\d{1,12})?$/, 'a decimal number as text, for example "0.25"');
const quantityText = z.string().regex(/^\d{1,12}(\.\d{1,12})?$/, 'a decimal number of at least 0 as text');
const afterMs = z.number().min(0).max(86_400_000).default(0);
const which = {
  permId: z.int().optional(),
  orderRef: z.string().optional(),
  clientId: z.int().optional(),
  orderId: z.int().optional(),
};

export const orderFaultSchemas = [
  z.strictObject({ type: z.literal('duplicate-execution'), count }),
  z.strictObject({ type: z.literal('late-execution'), count, afterMs }),
  z.strictObject({ type: z.literal('missing-execution'), count }),
  z.strictObject({ type: z.literal('missing-status'), count }),
  z.strictObject({ type: z.literal('noisy-execution'), count, priceShift: decimalText.default('1') }),
  z.strictObject({
    type: z.literal('corrected-execution'),
    count,
    priceShift: decimalText.default('0'),
    quantity: quantityText.optional(),
    first: z.boolean().default(false),
    afterMs,
  }),
  z.strictObject({
    type: z.literal('correct'),
    execId: z.string().optional(),
    price: decimalText.optional(),
    quantity: quantityText.optional(),
  }),
  z.strictObject({ type: z.literal('bust'), execId: z.string().optional() }),
  z.strictObject({
    type: z.literal('commission'),
    count,
    how: z.enum(['never', 'sentinel', 'minus-one', 'before']).default('never'),
  }),
  z.strictObject({
    type: z.literal('reject-order'),
    count,
    code: z.int().min(1).max(99_999).default(201),
    text: z.string().default('Order rejected - reason:a fault refuses it'),
    permId: z.boolean().default(true),
  }),
  z.strictObject({
    type: z.literal('what-if'),
    count,
    how: z.enum(['never', 'unset', 'unset-first', 'nan', 'rejected', 'placed']).default('never'),
  }),
  z.strictObject({ type: z.literal('margin'), factor: quantityText.default('1') }),
  z.strictObject({ type: z.literal('order-id-rollback'), by: z.int().min(0).default(1) }),
  z.strictObject({ type: z.literal('order-pacing'), requests: z.int().min(0).max(1_000).default(1) }),
  z.strictObject({
    type: z.literal('fill'),
    ...which,
    quantity: quantityText.optional(),
    price: decimalText.optional(),
  }),
  z.strictObject({ type: z.literal('overfill'), count, by: quantityText.default('1') }),
  z.strictObject({
    type: z.literal('liquidation'),
    account: z.string().optional(),
    symbol: z.string().optional(),
  }),
  z.strictObject({ type: z.literal('expire'), ...which }),
  z.strictObject({ type: z.literal('late-perm-id'), count }),
  z.strictObject({
    type: z.literal('signal'),
    pid: z.int().min(2),
    signal: z.enum(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGSTOP', 'SIGCONT']).default('SIGKILL'),
    afterOrderMessages: z.int().min(1),
    clientId: z.int().optional(),
  }),
] as const;

export type OrderFault = z.infer<(typeof orderFaultSchemas)[number]>;
export type CorrectedExecution = Extract<OrderFault, { type: 'corrected-execution' }>;
export type SignalFault = Extract<OrderFault, { type: 'signal' }>;

/** What the next fills meet, each a number of times, one of a kind at a time. */
export class PreparedFaults {
  readonly #left = new Map<string, { count: number; fault: OrderFault }>();

  add(fault: OrderFault & { count: number }): void {
    this.#left.set(fault.type, { count: fault.count, fault });
  }

  /** One of the prepared faults of a kind, if one is left. */
  take<T extends OrderFault['type']>(type: T): Extract<OrderFault, { type: T }> | undefined {
    const entry = this.#left.get(type);
    if (entry === undefined || entry.count === 0) return undefined;
    entry.count -= 1;
    return entry.fault as Extract<OrderFault, { type: T }>;
  }

  clear(): void {
    this.#left.clear();
  }

  /** How many are left of each kind. */
  left(): Record<string, number> {
    return Object.fromEntries(
      [...this.#left].filter(([, { count: n }]) => n > 0).map(([type, { count: n }]) => [type, n]),
    );
  }
}

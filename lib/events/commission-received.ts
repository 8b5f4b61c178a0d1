import * as z from 'zod';
import type { CommissionReport } from '../domain/orders/fill-report.ts';
import { signed } from './book-fields.ts';

/** The cost of an execution became known. */
export const commissionReceived = z.object({
  orderKey: z.string().describe('Key of the order; empty where the execution is not known'),
  execId: z.string().min(1).describe("IB's id of the execution"),
  execBase: z.string().min(1).describe('The execId before its last dot'),
  revision: z.int().nonnegative().describe('After the last dot'),
  commission: signed.describe('Decimal text; negative for a rebate'),
  currency: z.string().min(1).describe('ISO 4217 code'),
  realizedPnl: signed.nullable().describe('Decimal text; null where IB says nothing'),
}) satisfies z.ZodType<CommissionReport>;

import * as z from 'zod';
import type { BalanceReport } from '../domain/accounts/position-report.ts';
import { signed } from './book-fields.ts';

/** Cash of one currency at IB is another than the last one told. */
export const balanceChanged = z.object({
  currency: z.string().min(1).describe('ISO 4217 code'),
  cash: signed.describe('Decimal text'),
}) satisfies z.ZodType<BalanceReport>;

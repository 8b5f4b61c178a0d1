import * as z from 'zod';
import type { PositionReport } from '../domain/accounts/position-report.ts';
import { signed, tradedContract } from './book-fields.ts';

/** A position at IB is another than the last one told; zeros included. */
export const positionChanged = z.object({
  contract: tradedContract,
  position: signed.describe('Negative when short; decimal text'),
  averageCost: signed.describe('As IB says it: price × multiplier, commission included; decimal text'),
  averagePrice: signed.describe('`averageCost` divided by the multiplier; decimal text'),
}) satisfies z.ZodType<PositionReport>;

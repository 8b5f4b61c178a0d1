import { orderReport } from './order-report.ts';

/** An order ended unfilled or in part: cancelled or expired. */
export const orderCancelled = orderReport;

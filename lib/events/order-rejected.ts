import { orderReport } from './order-report.ts';

/** An order was refused by IB. */
export const orderRejected = orderReport;

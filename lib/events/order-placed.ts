import { orderReport } from './order-report.ts';

/** An order was seen for the first time, in a working state. */
export const orderPlaced = orderReport;

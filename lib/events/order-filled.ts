import { orderReport } from './order-report.ts';

/** An order is filled as a whole; its fills are events of their own. */
export const orderFilled = orderReport;

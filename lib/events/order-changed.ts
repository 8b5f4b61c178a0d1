import { orderReport } from './order-report.ts';

/** Terms or state of an order changed, and it is still working. */
export const orderChanged = orderReport;

/** What the tracker reads off the fold. */
import type { OrderStatus } from './order-report.ts';
import { viewOf } from './order-state.ts';
import type { TrackedOrder } from './tracker-state.ts';

export type EndEvent = 'order.filled' | 'order.cancelled' | 'order.rejected';

const ends: Readonly<Partial<Record<OrderStatus, EndEvent>>> = {
  Filled: 'order.filled',
  Cancelled: 'order.cancelled',
  ApiCancelled: 'order.cancelled',
  Expired: 'order.cancelled',
  Rejected: 'order.rejected',
};

/** The event that tells of the end; undefined while an order in this state lives. */
export function endOf(status: OrderStatus): EndEvent | undefined {
  return ends[status];
}

/** Known to work: its terms are known and nothing has ended it. */
export function isLiving(order: TrackedOrder): boolean {
  return order.report !== undefined && endOf(order.report.status) === undefined;
}

/** What IB reports as filled and no execution explains. */
export function lacksFills(order: TrackedOrder): boolean {
  return order.state !== undefined && viewOf(order.state).missing !== '0';
}

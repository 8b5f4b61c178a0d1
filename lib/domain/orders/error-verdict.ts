/** What an error code of IB says about the order whose id it carries (`ib-facts` 24). */
import { isAccepted } from './legal-moves.ts';
import type { OrderStatus } from './order-report.ts';

/**
 * `rejected`, `cancelled`: the order has ended so. `warning`: it lives on, the words are worth keeping. `ask`: its state
 * cannot be told from this; the broker must be asked for open and completed orders and executions.
 */
export type ErrorVerdict = 'rejected' | 'cancelled' | 'warning' | 'ask';

const cancelled: readonly number[] = [202];
/** Order not accepted; the order that was there before, if any, may well live. */
const refusals: readonly number[] = [
  103, // duplicate order id
  110, // price does not conform to the minimum variation
  201, // rejected
];
const warnings: readonly number[] = [
  399, // order message, for example "will not be placed until the exchange opens"
  404, // held while shares to sell short are located
  10349, // time in force was set by the order preset
];

/** The order, or a change of it, was not accepted. */
export function isRefusal(code: number): boolean {
  return refusals.includes(code);
}

/**
 * Verdict of `code` on an order that was in state `before` (undefined: never seen). A refusal that reaches an accepted
 * order is about a change of it, or about another order of the same id: 110 leaves it as it was, after 103 and 201 only
 * the broker knows. The answers to a cancel (135 and 10147 not found, 161 and 10148 not cancellable) come for orders
 * that are filled as well as for those that are cancelled. A code that is not known is no verdict either.
 */
export function errorVerdict(code: number, before: OrderStatus | undefined): ErrorVerdict {
  if (cancelled.includes(code)) return 'cancelled';
  if (warnings.includes(code)) return 'warning';
  if (!refusals.includes(code)) return 'ask';
  if (before === undefined || before === 'PendingSubmit' || before === 'ApiPending') return 'rejected';
  return code === 110 && isAccepted(before) ? 'warning' : 'ask';
}

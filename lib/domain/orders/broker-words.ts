/** IB's words for the state of an order, as our states. */
import { isAccepted } from './legal-moves.ts';
import type { OrderReason, OrderStatus } from './order-report.ts';

const words: Readonly<Record<string, OrderStatus>> = {
  ApiPending: 'ApiPending',
  PendingSubmit: 'PendingSubmit',
  PendingCancel: 'PendingCancel',
  PreSubmitted: 'PreSubmitted',
  Submitted: 'Submitted',
  ApiCancelled: 'ApiCancelled',
  Cancelled: 'Cancelled',
  Filled: 'Filled',
  Inactive: 'Inactive',
};

/** What was known when the word came. */
export interface WordContext {
  /** State of the order before; undefined for its first word. */
  readonly before?: OrderStatus | undefined;
  /** The last thing that IB gave as a reason. */
  readonly reason?: OrderReason | null | undefined;
}

/**
 * State that IB's word of `orderStatus` or `openOrder` means; Unknown for words that IB has not documented.
 * An accepted order that is "pending" again is being modified. IB says Inactive, or Cancelled, of an order that it
 * refused, and the refusal itself in an error 201.
 */
export function statusOfWord(word: string, { before, reason }: WordContext = {}): OrderStatus {
  const status = Object.hasOwn(words, word) ? words[word]! : 'Unknown';
  if ((status === 'Inactive' || status === 'Cancelled') && reason?.code === 201) return 'Rejected';
  const pending = status === 'PendingSubmit' || status === 'ApiPending';
  return pending && before !== undefined && isAccepted(before) ? 'PendingModify' : status;
}

/**
 * State that the last word on a completed order means: `completedStatus` where it says one (`Filled Size: 2`,
 * `Cancelled by Trader`, `Rejected by System: …`, `Cancelled by System: Order expired`), else the status.
 */
export function statusOfCompleted(status: string, completedStatus: string): OrderStatus {
  if (/^filled\b/i.test(completedStatus)) return 'Filled';
  if (/^rejected\b/i.test(completedStatus)) return 'Rejected';
  if (/\bexpired?\b/i.test(completedStatus)) return 'Expired';
  if (/^cancell?ed\b/i.test(completedStatus)) return 'Cancelled';
  return statusOfWord(status);
}

/** Facts as sights: IB's words and codes as our states, with what was known of the order when they came. */

import type {
  CompletedOrderFact,
  ExecutionFact,
  OpenOrderFact,
  OrderErrorFact,
  OrderStatusFact,
} from './broker-facts.ts';
import { statusOfCompleted, statusOfWord, type WordContext } from './broker-words.ts';
import { amount } from './decimals.ts';
import { errorVerdict } from './error-verdict.ts';
import { isTerminal } from './legal-moves.ts';
import type { OrderReport, OrderStatus } from './order-report.ts';
import type { Stamp } from './stamp.ts';
import type { Ids, Sight } from './tracker-sight.ts';

/** What was known before, as far as words depend on it. */
export interface Before extends WordContext {
  /** IB's last word. */
  readonly word?: string;
}

export function beforeOf(report: OrderReport | undefined): Before {
  return report === undefined
    ? {}
    : { before: report.status, reason: report.reason, word: report.brokerStatus };
}

export function openSight(fact: OpenOrderFact, at: Stamp, before: Before): Sight {
  const { contract, terms, status: word, warning } = fact;
  return {
    at,
    ids: idsOf(fact),
    contract,
    terms,
    status: { status: statusOfWord(word, before), word },
    ...(warning !== '' && { reason: { code: 0, message: warning } }),
  };
}

export function statusSight(fact: OrderStatusFact, at: Stamp, before: Before): Sight {
  const { status: word, filled, averageFillPrice, parentId, whyHeld } = fact;
  const { permId, clientId, orderId } = fact;
  return {
    at,
    ids: { permId, clientId, orderId },
    status: { status: statusOfWord(word, before), word, whyHeld },
    filled,
    ...(amount(filled).gt(0) && { averagePrice: averageFillPrice }),
    ...(parentId > 0 && { parentId }),
  };
}

/** The cumulative quantity of an execution says what an order status would have said, if one had come. */
export function executionSight(fact: ExecutionFact, at: Stamp): Sight {
  const { cumulativeQuantity: filled, averagePrice, timeMs: occurredAtMs } = fact;
  return { at, ids: idsOf(fact), filled, averagePrice, occurredAtMs };
}

/**
 * The last word on an order. Of one whose end was told before it adds only how it ended: its terms come from another
 * list, with other gaps, and would be told as a change that was none.
 */
export function completedSight(fact: CompletedOrderFact, at: Stamp, ended: boolean): Sight {
  const { contract, terms, permId, orderRef, filled, completedStatus, completedAtMs } = fact;
  const status = statusOfCompleted(fact.status, completedStatus);
  // Where IB gives only the filled size, it is all that was asked for.
  const unsized = amount(terms.quantity).isZero() && status === 'Filled';
  return {
    at,
    ids: { permId, orderRef },
    contract,
    ...(!ended && { terms: unsized ? { ...terms, quantity: filled } : terms, partial: true }),
    status: { status, word: fact.status },
    filled,
    ...(status !== 'Filled' && completedStatus !== '' && { reason: { code: 0, message: completedStatus } }),
    ...(completedAtMs !== null && { occurredAtMs: completedAtMs }),
  };
}

/** What an error says of its order; `unclear` where only IB's lists can say it. */
export function errorSight(
  fact: OrderErrorFact,
  at: Stamp,
  before: Before,
): Sight & { readonly unclear: boolean } {
  const reason = { code: fact.code, message: fact.message };
  const verdict = errorVerdict(fact.code, before.before);
  const status = errorStatus(fact, verdict, before);
  const ended = before.before !== undefined && isTerminal(before.before);
  // An order that has ended is not concerned by a cancel that came too late, or by a warning.
  const concerned = !ended || verdict === 'cancelled' || fact.code === 201;
  return {
    at,
    ...(status !== undefined && { status: { status, word: '' } }),
    ...(concerned && { reason }),
    unclear: verdict === 'ask' && !ended && status === undefined,
  };
}

function errorStatus(fact: OrderErrorFact, verdict: string, before: Before): OrderStatus | undefined {
  if (verdict === 'rejected') return 'Rejected';
  if (verdict === 'cancelled') return 'Cancelled';
  // The refusal behind an `Inactive` that came before it.
  const again = statusOfWord(before.word ?? '', { reason: { code: fact.code, message: fact.message } });
  return isTerminal(again) && before.before === 'Inactive' ? again : undefined;
}

/** True for words that can follow a refusal, or be another word for it: not those of an order that was filled. */
export function isLastWord(word: string): boolean {
  const status = statusOfWord(word);
  return (isTerminal(status) && status !== 'Filled') || status === 'Inactive';
}

function idsOf({ permId, clientId, orderId, orderRef }: Required<Ids>): Ids {
  return { permId, clientId, orderId, orderRef };
}

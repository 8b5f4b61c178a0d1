/**
 * A position of the book that is no longer among the broker's. The list is complete, but a gateway that has not loaded
 * the account answers with a complete list of nothing: what is merely absent has to stay so.
 */
import type { PositionBody } from '../book/accounts.ts';
import type { Amount } from '../orders/decimals.ts';
import type { ReconcileContext } from './context.ts';
import { expiryOf } from './expiry.ts';
import { isTailOfWindow, type PositionEvidence } from './position-evidence.ts';
import type { ReconcileInput } from './types.ts';

export type Absence =
  | { readonly is: 'pending'; readonly why: string }
  /** `closed`: executions of the window prove it. */
  | { readonly is: 'naked' | 'closed' | 'expired' };

/** @param runs in a row in which the broker did not list it, this one included */
export function judgeAbsence(
  { contract }: PositionBody,
  size: Amount,
  runs: number,
  evidence: PositionEvidence,
  { book, rules }: ReconcileInput,
  { marketMs, complete }: ReconcileContext,
): Absence {
  if (isClosedByFills(size, evidence)) return { is: 'closed' };
  const expiry = expiryOf(contract, book.instruments.get(String(contract.conId)), marketMs);
  if (expiry === 'over') return { is: 'expired' };
  if (runs < rules.absentRuns) return { is: 'pending', why: 'the broker does not list it' };
  // On its last day it may be sold or settled: only the whole list of executions can say that nobody sold it.
  if (expiry === 'last-day' && complete.executions) return { is: 'expired' };
  return { is: 'naked' };
}

/**
 * Only executions of the broker's own whole list prove it: a gateway that lists no position may not list them either, and
 * the book's fills may lack one. Where the fills explain the position, their sum alone says whether it is closed.
 */
function isClosedByFills(size: Amount, { before, after, window, isListed }: PositionEvidence): boolean {
  if (window.length === 0 || !isListed) return false;
  return after.isZero() || (!before.eq(size) && isTailOfWindow(window, size.negated()));
}

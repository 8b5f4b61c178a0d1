import type { BookKind } from '../../lib/domain/book/item.ts';

/** What the kinds of the book's items are, with their keys as lists and audit rows show them. */
const words: Readonly<Record<BookKind, string>> = {
  order: 'orders, ORDER#…',
  fill: 'executions, FILL#…',
  position: 'positions, POS#…',
  cash: 'balances, CASH#…',
  instrument: 'contracts and their hours, INSTRUMENT#…',
  intent: 'what was sent or refused, INTENT#…',
  perm: "orders by IB's permId, PERM#…",
  ref: 'orders by orderRef, REF#…',
  api: 'orders by API client and order id, API#…',
  flags: 'the flags, FLAGS',
  lock: 'the reconcile lock, LOCK',
  trading: 'active, reduce-only or halted, TRADING',
  desk: "order ids in use, the day's value, DESK",
  run: 'state of reconcile, RUN#STATE',
  plan: 'plans, PLAN#…',
  'audit-head': 'heads of audit chains, AUDIT#…',
};

export function kindWords(kind: string): string {
  return (words as Readonly<Record<string, string | undefined>>)[kind] ?? '';
}

/** All orders of a run, judged one by one: what differs, what is given time, and the drafts that would cure it. */
import type { OrderBody } from '../book/orders.ts';
import { judgeAbsent } from './absent-orders.ts';
import type { OrderDraft } from './order-actions.ts';
import type { OrderDesk } from './order-desk.ts';
import { judgeOrder } from './order-discrepancies.ts';
import type { OrderFinding } from './order-words.ts';
import { judgeOrphans } from './orphans.ts';
import type { Discrepancy, Pending } from './types.ts';

export interface JudgedOrders {
  readonly discrepancies: Discrepancy[];
  readonly pending: Pending[];
  readonly drafts: Map<string, OrderDraft>;
  readonly after: Map<string, OrderBody>;
  readonly unjudged: string[];
  readonly absent: Record<string, number>;
  readonly asked: readonly string[];
  readonly orphans: ReturnType<typeof judgeOrphans>;
}

export function judgeOrders(desk: OrderDesk): JudgedOrders {
  const { matches, lateCosts, input } = desk;
  const discrepancies: Discrepancy[] = [];
  const pending: Pending[] = [];
  const drafts = new Map<string, OrderDraft>();
  const after = new Map<string, OrderBody>();
  const unjudged: string[] = [];
  const absent: Record<string, number> = {};
  for (const [key, { body }] of input.book.orders) after.set(key, body);
  const take = ({ discrepancies: found, pending: waiting, draft, absent: counts }: OrderFinding) => {
    discrepancies.push(...found);
    pending.push(...waiting);
    Object.assign(absent, counts);
    if (draft === undefined) return;
    drafts.set(draft.key, draft);
    after.set(draft.key, draft.body!);
  };
  const keys = new Set([...matches.orders.keys(), ...lateCosts.keys()]);
  for (const key of keys) {
    const order = matches.orders.get(key);
    const deferred = order && unknownInstrument(key, desk);
    // One order that cannot be read must not keep the others from being judged.
    if (deferred) pending.push(deferred);
    else attempt(`order ${key}`, unjudged, pending, () => take(judgeOrder(key, order, desk)));
  }
  for (const { clientId, orderId } of matches.unnumbered) {
    pending.push({ subject: `order ${clientId}#${orderId}`, why: 'IB has not numbered it yet', runs: 1 });
  }
  let asked: readonly string[] = [];
  attempt('absent orders', unjudged, pending, () => {
    const absences = judgeAbsent(after, drafts, desk);
    for (const draft of absences.drafts) take({ discrepancies: [], pending: [], draft });
    take({ discrepancies: absences.discrepancies, pending: absences.pending, absent: absences.absent });
    asked = absences.asked;
  });
  let orphans: JudgedOrders['orphans'] = { discrepancies: [], pending: [], actions: [], rests: [] };
  attempt('orphans', unjudged, pending, () => {
    orphans = judgeOrphans(after, desk);
  });
  return { discrepancies, pending, drafts, after, unjudged, absent, asked, orphans };
}

/** Without its contract nothing can be said of an order; the next run has looked it up. */
function unknownInstrument(key: string, { matches, input }: OrderDesk): Pending | undefined {
  if (input.book.orders.has(key)) return undefined;
  const { open, completed, executions } = matches.orders.get(key)!;
  const contract = (open ?? completed ?? executions[0])!.contract;
  if (contract.conId !== 0 || contract.secType === 'BAG') return undefined;
  return {
    subject: `order ${key}`,
    why: `its contract (${contract.localSymbol || contract.symbol}) is not known yet`,
    runs: 1,
  };
}

function attempt(what: string, unjudged: string[], pending: Pending[], judge: () => void): void {
  try {
    judge();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    unjudged.push(`${what}: ${why}`);
    pending.push({ subject: what, why: `it could not be judged: ${why}`, runs: 1 });
  }
}

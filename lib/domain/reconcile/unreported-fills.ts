/**
 * Orders that the broker says are filled further than any execution tells: the executions are older than the window, or
 * late. What is older will not come by itself any more and gets a synthetic fill; what may be late gets its time first.
 */
import type { OrderBody } from '../book/orders.ts';
import { type Amount, amount, zero } from '../orders/decimals.ts';
import { isCombination } from '../orders/fill-count.ts';
import type { ReconcileContext, SyntheticFill } from './context.ts';
import { averagePriceOf } from './holdings.ts';
import { syntheticFill } from './synthetic-fills.ts';
import type { Pending, ReconcileInput } from './types.ts';

export interface UnreportedFills {
  readonly fills: readonly SyntheticFill[];
  readonly pending: readonly Pending[];
  readonly absent: { readonly [subject: string]: number };
  /** What is missing by conId as text, bought is positive: whether it is booked now or waited for. */
  readonly missing: ReadonlyMap<string, Amount>;
}

/** Only for a complete list of executions: what it does not have is only then not there. */
export function unreportedFills(input: ReconcileInput, context: ReconcileContext): UnreportedFills {
  const fills: SyntheticFill[] = [];
  const pending: Pending[] = [];
  const absent: { [subject: string]: number } = {};
  const missing = new Map<string, Amount>();
  for (const [orderKey, order] of context.after) {
    const asked = order.terms;
    if (order.missing === '0' || asked === null || order.contract === null) continue;
    if (isIgnored(order, input) || isCombination(order.state)) continue;
    const conId = String(order.contract.conId);
    const quantity = asked.action === 'BUY' ? amount(order.missing) : amount(order.missing).negated();
    missing.set(conId, (missing.get(conId) ?? zero).plus(quantity));
    if (context.positions === null || !context.complete.executions) continue;
    const subject = `fills of order ${orderKey}`;
    if (context.unsettled.has(conId)) {
      keep(absent, subject, input);
      continue;
    }
    const lastMs = lastTime(orderKey, input, context);
    const runs = (input.memory.absent[subject] ?? 0) + 1;
    const price = priceOf(order, input, context);
    if (price === null) continue;
    absent[subject] = runs;
    if ((lastMs === null || lastMs >= input.rules.executionsSinceMs) && runs < input.rules.absentRuns) {
      pending.push({ subject, why: `${order.missing} filled by the broker's word, no execution yet`, runs });
      continue;
    }
    const timeMs = lastMs ?? input.rules.executionsSinceMs - 1;
    const name = { ...order, account: input.account, contract: order.contract };
    fills.push({
      fill: syntheticFill(name, { quantity, price }, amount(order.reportedFilled), timeMs),
      cures: ['MISSING_FILL'],
    });
  }
  return { fills, pending, absent, missing };
}

function keep(absent: { [subject: string]: number }, subject: string, { memory }: ReconcileInput): void {
  const runs = memory.absent[subject];
  if (runs !== undefined) absent[subject] = runs;
}

function isIgnored({ orderKey, permId }: OrderBody, { rules }: ReconcileInput): boolean {
  return rules.ignoredOrders.some((name) => name === orderKey || name === String(permId));
}

/** When the order ended or last changed; null where nobody knows. */
function lastTime(orderKey: string, { book }: ReconcileInput, context: ReconcileContext): number | null {
  const completedAtMs = context.brokerOrders.get(orderKey)?.completed?.completedAtMs ?? null;
  return completedAtMs ?? book.orders.get(orderKey)?.changedAtMs ?? null;
}

/** At which the order's average holds; else that of the position, else what was asked for. */
function priceOf(order: OrderBody, { book }: ReconcileInput, context: ReconcileContext): Amount | null {
  const { reportedAveragePrice, averagePrice, filled, missing, terms } = order;
  if (reportedAveragePrice !== null) {
    const [known, open] = [amount(filled), amount(missing)];
    const value = amount(reportedAveragePrice).times(known.plus(open));
    return value.minus(known.times(averagePrice ?? '0')).div(open);
  }
  const conId = String(order.contract!.conId);
  const instrument = book.instruments.get(conId);
  const told = context.positions?.get(conId) ?? book.positions.get(conId)?.body;
  const average = told && averagePriceOf(told.averageCost, told.contract, instrument);
  const asked = terms?.limitPrice ?? terms?.stopPrice ?? null;
  return average ?? (asked === null ? null : amount(asked));
}

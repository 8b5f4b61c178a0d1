/** What the broker calls filled and no execution tells: how it is said, and the synthetic fills that stand in for it. */
import { fillKey } from '../orders/exec-id.ts';
import type { SyntheticFill } from './context.ts';
import type { JudgedOrders } from './judged-orders.ts';
import { OrderDraft } from './order-actions.ts';
import { isIgnored, type OrderDesk } from './order-desk.ts';
import { gapOf } from './order-words.ts';
import type { Discrepancy, Pending } from './types.ts';

/** Fills that are not in the book, under the ids that they will have again. */
function isNew({ fill }: SyntheticFill, { input }: OrderDesk): boolean {
  return !input.book.fills.has(fillKey(fill));
}

/**
 * What the broker reports as filled and no execution tells, of each order that it still speaks of: once its executions
 * have had the time to come. Whoever finds what fills the gap says so by a fill, or waits.
 */
export function gaps(
  desk: OrderDesk,
  { after }: JudgedOrders,
  fills: readonly SyntheticFill[],
  pending: readonly Pending[],
): Discrepancy[] {
  const { complete, input, matches } = desk;
  if (!complete.executions || input.book.isFirstRun) return [];
  const waiting = new Set(pending.map(({ subject }) => subject));
  const booked = new Set(
    fills
      .filter((one) => one.cures.includes('MISSING_FILL') && isNew(one, desk))
      .map(({ fill }) => fill.orderKey),
  );
  return [...matches.orders.keys()].flatMap((key) => {
    const body = after.get(key);
    if (!body || body.missing === '0' || isIgnored(desk, key, body.permId)) return [];
    if (waiting.has(`order ${key}`) || waiting.has(`fills of order ${key}`)) return [];
    // Not taken up yet, and not by a list of positions that failed: its contract is still moving.
    if (!booked.has(key) && !isLasting(key, desk)) return [];
    return [gapOf(body, booked.has(key))];
  });
}

/** The gap has been there for as many runs as anything may be absent. */
function isLasting(key: string, { input }: OrderDesk): boolean {
  return (input.memory.absent[`fills of order ${key}`] ?? 0) + 1 >= input.rules.absentRuns;
}

/** Fills that no execution explains go to their order's draft, so that one order is one action. */
export function bookSynthetic(
  fills: readonly SyntheticFill[],
  { drafts, after }: JudgedOrders,
  desk: OrderDesk,
  stopped: ReadonlySet<string>,
): void {
  for (const one of fills) {
    const { fill, cures } = one;
    const subjects = [`position ${fill.contract.conId}`, `order ${fill.orderKey}`];
    const isOver = cures.every((type) => subjects.some((subject) => stopped.has(`${type}:${subject}`)));
    // One that the book has under this id stands, or was replaced, whatever price would be found for it now.
    if (isOver || !isNew(one, desk)) continue;
    const draft = drafts.get(fill.orderKey) ?? new OrderDraft(fill.orderKey, desk.input, desk.fresh);
    draft.fill(fill);
    for (const type of cures) draft.cures.add(type);
    drafts.set(fill.orderKey, draft);
    after.set(fill.orderKey, draft.body!);
  }
}

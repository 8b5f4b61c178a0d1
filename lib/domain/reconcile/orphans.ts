/**
 * Children of a bracket that would open what they were to close: their parent ended without a fill, or the position is
 * gone. `safety/orphan-rule.ts` says which; here their cancel is staged.
 */
import type { OrderBody } from '../book/orders.ts';
import { statusOfWord } from '../orders/broker-words.ts';
import { amount, plain, zero } from '../orders/decimals.ts';
import { isTerminal } from '../orders/legal-moves.ts';
import { type ActingChild, endedUnfilled, withoutPosition } from '../safety/orphan-rule.ts';
import { knownParent } from '../safety/protection-facts.ts';
import { actingQuantity } from '../safety/protection-rule.ts';
import type { BrokerOrder } from './context.ts';
import { sizeOf } from './holdings.ts';
import { isQuiet, lastChangeMs, type OrderDesk } from './order-desk.ts';
import { discrepancy, evidenceOf, pendingOf, wordsOf } from './order-words.ts';
import { positionsOf, unsettledOf } from './run-context.ts';
import type { Discrepancy, Pending, Plan, PlanAction } from './types.ts';

export interface Orphans {
  readonly discrepancies: readonly Discrepancy[];
  readonly pending: readonly Pending[];
  readonly actions: readonly PlanAction[];
  readonly rests: Plan['rests'];
}

/** A child that the broker lists as open: what it does not list cannot be cancelled. */
interface OpenChild {
  readonly key: string;
  readonly body: OrderBody;
  readonly order: BrokerOrder;
  readonly parentKey: string;
  readonly parent: OrderBody;
}

interface Orphan extends OpenChild {
  /** What is wrong, for a person: `its parent P1 is Cancelled and unfilled`. */
  readonly cause: string;
  /** The same, short: what the book has of it. */
  readonly found: string;
  /** Items of the book, beside the child, whose change makes it another matter. */
  readonly rests: readonly Plan['rests'][number]['ref'][];
  /** Why it is given time; undefined where it is judged. */
  readonly waits: string | undefined;
}

export function judgeOrphans(after: ReadonlyMap<string, OrderBody>, desk: OrderDesk): Orphans {
  const discrepancies: Discrepancy[] = [];
  const pending: Pending[] = [];
  const actions: PlanAction[] = [];
  const rests: Plan['rests'][number][] = [];
  if (!desk.complete.open) return { discrepancies, pending, actions, rests };
  const { book, rules } = desk.input;
  for (const orphan of orphansOf(openChildren(after, desk), desk)) {
    const { key, body, order, cause, found, waits } = orphan;
    const subject = `orphan ${key}`;
    if (waits !== undefined) {
      pending.push(...pendingOf(subject, waits, 1).pending);
      continue;
    }
    const ours = order.orderId > 0 && rules.ownClientIds.includes(order.clientId);
    const what = `It works on, although ${cause}: a fill would open a position.`;
    const message = ours
      ? `${what} The plan cancels it.`
      : `${what} It is not of our client, so it cannot be cancelled here: cancel it in TWS.`;
    discrepancies.push(
      discrepancy('ORDER_STATUS_MISMATCH', body, {
        subject,
        broker: wordsOf(body),
        book: found,
        message,
        evidence: evidenceOf(order),
      }),
    );
    if (!ours) continue;
    const { permId, clientId, orderId } = order;
    actions.push({
      id: `cancel:${key}`,
      kind: 'cancel',
      cures: ['ORDER_STATUS_MISMATCH'],
      subject,
      summary: `cancel ${key}, ${summaryOf(orphan)}`,
      changes: [],
      orderKey: key,
      writes: [],
      cancel: { permId, clientId, orderId },
    });
    for (const ref of [{ kind: 'order', id: key } as const, ...orphan.rests]) {
      const version = versionOf(ref, book);
      if (version !== undefined) rests.push({ ref, expectedVersion: version });
    }
  }
  return { discrepancies, pending, actions, rests };
}

function openChildren(after: ReadonlyMap<string, OrderBody>, desk: OrderDesk): OpenChild[] {
  const children: OpenChild[] = [];
  for (const [key, order] of desk.matches.orders) {
    const body = after.get(key);
    const parentKey = body?.terms?.parentKey;
    const parent = parentKey ? after.get(parentKey) : undefined;
    if (!body?.working || !parentKey || !parent || order.open === null) continue;
    children.push({ key, body, order, parentKey, parent });
  }
  return children;
}

function orphansOf(children: readonly OpenChild[], desk: OrderDesk): Orphan[] {
  const byParent = children.filter(({ parent }) => endedUnfilled(knownParent(parent)));
  const others = children.filter(({ parent }) => !endedUnfilled(knownParent(parent)));
  return [...byParent.map((child) => ofEndedParent(child, desk)), ...ofGonePosition(others, desk)].sort(
    (a, b) => (a.key < b.key ? -1 : 1),
  );
}

function ofEndedParent(child: OpenChild, desk: OrderDesk): Orphan {
  const { parentKey, parent } = child;
  const lastMs = lastChangeMs(desk.input.book.orders.get(parentKey), desk.matches.orders.get(parentKey));
  return {
    ...child,
    cause: `its parent ${parentKey} is ${parent.status} and unfilled`,
    found: `parent ${parentKey} ${parent.status}`,
    rests: [{ kind: 'order', id: parentKey }],
    // IB cancels the children itself, a moment later.
    waits: isQuiet(desk, lastMs) ? undefined : 'its parent has just ended',
  };
}

/** Broker and book have to agree that the position is gone: a protection is not taken away on one word. */
function ofGonePosition(children: readonly OpenChild[], desk: OrderDesk): Orphan[] {
  const rows = positionsOf(desk.broker.positions);
  if (rows === null || children.length === 0) return [];
  const sizes = new Map([...rows].map(([conId, { position }]) => [Number(conId), sizeOf(position)]));
  const acting = children.flatMap((child) => actingChild(child));
  const gone = withoutPosition(acting, (conId) => sizes.get(conId) ?? zero);
  if (gone.length === 0) return [];
  const unsettled = unsettledOf(desk);
  return gone.map(({ child, conId, action }) => {
    const size = sizes.get(conId) ?? zero;
    const booked = amount(desk.input.book.positions.get(String(conId))?.body.position ?? '0');
    const stands = action === 'SELL' ? booked.gt(0) : booked.lt(0);
    const waits = stands ? `the book still has the position ${conId}` : unsettled.get(String(conId));
    return {
      ...child,
      cause: `the position ${conId} that it was to close is gone (the broker has ${plain(size)})`,
      found: `position ${plain(booked)}`,
      rests: [
        { kind: 'order', id: child.parentKey },
        { kind: 'position', id: String(conId) },
      ],
      waits,
    };
  });
}

/** None for a child that could not be filled now, and for one of a combination: its legs have the positions. */
function actingChild(child: OpenChild): (ActingChild & { readonly child: OpenChild })[] {
  const { key, body, order, parentKey, parent } = child;
  const { open, status } = order;
  const conId = open?.contract.conId ?? 0;
  if (open === null || conId === 0) return [];
  const quantity = actingQuantity({
    orderKey: key,
    conId,
    action: open.terms.action,
    orderType: open.terms.orderType,
    quantity: open.terms.quantity,
    filled: status?.filled ?? body.filled,
    status: statusOfWord(status?.status ?? open.status, { before: body.status }),
    transmit: open.transmit,
    ocaGroup: open.terms.ocaGroup,
    parentFilled: isTerminal(parent.status) ? null : knownParent(parent).filled,
  });
  if (quantity.isZero()) return [];
  return [{ orderKey: key, conId, action: open.terms.action, quantity, parent: parentKey, child }];
}

function summaryOf({ parent, parentKey, found }: Orphan): string {
  return endedUnfilled(knownParent(parent))
    ? `whose parent ${parentKey} is ${parent.status}`
    : `child of ${parentKey}, whose position is gone (${found})`;
}

function versionOf(
  { kind, id }: Plan['rests'][number]['ref'],
  book: OrderDesk['input']['book'],
): number | undefined {
  // A position that the book has never had must not come up before the plan is applied.
  return kind === 'position' ? (book.positions.get(id)?.version ?? 0) : book.orders.get(id)?.version;
}

/** Orders that the broker speaks of, beside the book's: what differs, and the draft that would cure it. */
import { type OrderBody, toldReport } from '../book/orders.ts';
import { amount } from '../orders/decimals.ts';
import { fillKey, parseExecId } from '../orders/exec-id.ts';
import { isTerminal } from '../orders/legal-moves.ts';
import type { OrderIdentity } from '../orders/order-report.ts';
import type { BrokerOrder } from './context.ts';
import { missingCost, missingFills } from './missing-fills.ts';
import { fillsPerAction, OrderDraft } from './order-actions.ts';
import { isIgnored, isQuiet, lastChangeMs, type OrderDesk } from './order-desk.ts';
import { identityWith, mergedReport, saysTheSame } from './order-merge.ts';
import {
  discrepancy,
  evidenceOf,
  mismatch,
  missingWords,
  type OrderFinding,
  pendingOf,
  unknownOrder,
  wordsOf,
} from './order-words.ts';
import type { Discrepancy, DiscrepancyType, Versioned } from './types.ts';

const nothing: OrderFinding = { discrepancies: [], pending: [] };

/** @param order undefined where the broker lists only costs of its executions */
export function judgeOrder(key: string, order: BrokerOrder | undefined, desk: OrderDesk): OrderFinding {
  const entry = desk.input.book.orders.get(key);
  if (isIgnored(desk, key, order?.permId ?? 0)) return nothing;
  if (entry === undefined && (order === undefined || isOver(order, desk))) return nothing;
  const subject = `order ${key}`;
  const lasting = contradiction(entry, order, subject, desk);
  // What the open list says of it is in question: only its executions are taken.
  const heard = lasting && order ? { ...order, open: null, status: null } : order;
  const differences = differencesOf(key, heard, entry, desk);
  if (differences === undefined) return lasting ?? nothing;
  const lastMs = lastChangeMs(entry, order);
  if (!isQuiet(desk, lastMs)) return pendingOf(subject, 'it has just changed', 1);
  const { draft, found } = differences;
  if (entry !== undefined && isYoung(entry, desk) && differences.isTwoWay) {
    const change = `change of ${subject}`;
    const runs = (desk.input.memory.absent[change] ?? 0) + 1;
    if (runs < 2) {
      const why = 'the book may be ahead of the snapshot: nothing says when the order changed last';
      return { ...pendingOf(subject, why, runs), absent: { [change]: runs } };
    }
    return { discrepancies: found, pending: [], ...(draft && { draft }), absent: { [change]: runs } };
  }
  return {
    discrepancies: [...found, ...(lasting?.discrepancies ?? [])],
    pending: lasting?.pending ?? [],
    ...(draft && { draft }),
    ...(lasting?.absent && { absent: lasting.absent }),
  };
}

interface Differences {
  readonly found: readonly Discrepancy[];
  readonly draft: OrderDraft | undefined;
  /** Only what can go back and forth: the live state and the terms. An end and an execution do not. */
  readonly isTwoWay: boolean;
}

function differencesOf(
  key: string,
  order: BrokerOrder | undefined,
  entry: Versioned<OrderBody> | undefined,
  desk: OrderDesk,
): Differences | undefined {
  const { book } = desk.input;
  const known = entry?.body;
  const identity = () => identityOf(key, known, order);
  const { fills, noisy, costs } = missingFills(
    key,
    order?.executions ?? [],
    desk.commissions,
    identity,
    known?.state,
    book.fills,
  );
  const late = (desk.lateCosts.get(key) ?? []).flatMap((fact) => {
    const cost = missingCost(fact, key, book.fills.get(fillKey(parseExecId(fact.execId)))?.body);
    return cost ? [cost] : [];
  });
  const cheap = fills.length + noisy.length + costs.length + late.length === 0;
  if (cheap && known && (order === undefined || saysTheSame(known, order))) return undefined;

  const draft = new OrderDraft(key, desk.input, desk.fresh);
  for (const fill of fills.slice(0, fillsPerAction)) draft.fill(fill);
  for (const fill of noisy) draft.noise(fill);
  const withFills = draft.body;
  const told = withFills && toldReport(withFills);
  const { asked, refused } = order === undefined ? {} : askedOf(order, known);
  const next = asked && mergedReport(withFills, identity(), asked, desk.parentKeyOf(asked), desk.fresh);
  if (next) draft.report(next.report, next.body);
  for (const cost of [...costs, ...late]) draft.cost(cost);
  if (draft.body === undefined) return undefined;

  const found: Discrepancy[] = [];
  const add = (type: DiscrepancyType, more: Partial<Discrepancy>, cures = true) => {
    found.push(
      discrepancy(type, draft.body!, { broker: wordsOf(draft.body), book: wordsOf(known), ...more }),
    );
    if (cures) draft.cures.add(type);
  };
  if (known === undefined) {
    const { type, severity, message } = unknownOrder(order!, draft.body, desk.input.rules.ownClientIds);
    add(type, { severity, message, evidence: evidenceOf(order!) });
    return { found, draft, isTwoWay: false };
  }
  if (fills.length + costs.length + late.length > 0) {
    add('MISSING_FILL', missingWords(fills, [...costs, ...late], known, draft.body));
  }
  if (noisy.length > 0) {
    const evidence = noisy.map(({ execId }) => execId);
    const message = `The broker tells ${evidence.join(', ')} with other contents than before. The first is kept; compare it with the statement.`;
    add('PRICE_MISMATCH', { message, evidence });
  }
  if (refused) {
    const message = `The broker asks for ${refused}, of which ${known.filled} are filled already: no such change can be. It is not taken over; look at the order in TWS.`;
    add('ORDER_STATUS_MISMATCH', { message, evidence: evidenceOf(order!) }, false);
  } else if (next && told) {
    const message = mismatch(told, toldReport(draft.body)!, known);
    if (message) add('ORDER_STATUS_MISMATCH', { message, evidence: evidenceOf(order!) });
  } else if (next)
    add('ORDER_STATUS_MISMATCH', {
      message: 'The book has only its executions; the broker now says what was asked for.',
    });
  // Filled further than any execution tells: a draft that cures nothing yet, until somebody finds out what fills the gap.
  const gap = desk.complete.executions && amount(draft.body.missing).gt(known.missing);
  if (found.length === 0 && !gap) return undefined;
  const isTwoWay = fills.length === 0 && !gap && !isTerminal(draft.body.status);
  return { found, draft: draft.cures.size > 0 || gap ? draft : undefined, isTwoWay };
}

function identityOf(
  key: string,
  known: OrderBody | undefined,
  order: BrokerOrder | undefined,
): OrderIdentity {
  const empty = {
    orderKey: key,
    permId: 0,
    clientId: 0,
    orderId: 0,
    orderRef: '',
    origin: 'manual' as const,
  };
  const identity = known?.state.identity ?? empty;
  return order === undefined ? identity : identityWith(identity, order);
}

/** A quantity below what is filled is refused: taken over, it would throw fills out. */
function askedOf(order: BrokerOrder, known: OrderBody | undefined): { asked: BrokerOrder; refused?: string } {
  const { open } = order;
  if (open === null || !known?.terms) return { asked: order };
  const filled = amount(known.filled);
  if (filled.isZero() || amount(open.terms.quantity).gte(filled)) return { asked: order };
  const terms = { ...open.terms, quantity: known.terms.quantity };
  return { asked: { ...order, open: { ...open, terms } }, refused: open.terms.quantity };
}

/** It ended before the window of executions began, or nobody knows when: it is not brought back to life. */
function isOver({ open, completed, executions }: BrokerOrder, { input }: OrderDesk): boolean {
  if (completed === null || open !== null || executions.length > 0) return false;
  return (completed.completedAtMs ?? 0) < input.rules.executionsSinceMs;
}

/** The book has it ended, the broker works it: nothing in the book can be set back by that, so a person has to look. */
function contradiction(
  entry: Versioned<OrderBody> | undefined,
  order: BrokerOrder | undefined,
  subject: string,
  desk: OrderDesk,
): OrderFinding | undefined {
  if (!entry || !order?.open || order.completed || !isTerminal(entry.body.status)) return undefined;
  const { open, status } = order;
  const words = [open.status, ...(status ? [status.status] : [])];
  if (words.some((word) => ended.includes(word))) return undefined;
  // More was asked for than is filled: the report of it will show it working again.
  if (entry.body.state.ended === null && amount(open.terms.quantity).gt(entry.body.filled)) return undefined;
  if (!isQuiet(desk, lastChangeMs(entry, order))) return pendingOf(subject, 'it has just ended', 1);
  const runs = (desk.input.memory.absent[subject] ?? 0) + 1;
  const absent = { [subject]: runs };
  if (runs < desk.input.rules.absentRuns) {
    return { ...pendingOf(subject, 'the book has it ended, the broker still works it', runs), absent };
  }
  const message = `The broker still works it as ${open.status}, and the book has it ended as ${entry.body.status}. An end is not taken back: look at the order in TWS.`;
  const found = discrepancy('ORDER_STATUS_MISMATCH', entry.body, {
    broker: open.status,
    book: wordsOf(entry.body),
    message,
    evidence: evidenceOf(order),
  });
  return { discrepancies: [found], pending: [], absent };
}

const ended: readonly string[] = ['Filled', 'Cancelled', 'ApiCancelled', 'Inactive'];

/** Told in this epoch, and nobody knows when: perhaps after the snapshot. What an earlier epoch told is older. */
function isYoung(entry: Versioned<OrderBody>, { broker }: OrderDesk): boolean {
  if (entry.changedAtMs !== undefined) return false;
  const { live, asked } = entry.body.state;
  return Math.max(live?.at.epoch ?? 0, asked?.at.epoch ?? 0) >= broker.epoch;
}

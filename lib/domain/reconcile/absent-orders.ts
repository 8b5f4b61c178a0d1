/**
 * Orders that should live and that no list of the broker has. To be absent is no verdict: it is given runs and asked for
 * by name, and then a person is told. Nothing is ever deleted for it.
 */
import { type OrderBody, toldReport } from '../book/orders.ts';
import { parseExecId } from '../orders/exec-id.ts';
import { isTerminal } from '../orders/legal-moves.ts';
import type { OrderReport, OrderStatus } from '../orders/order-report.ts';
import { OrderDraft } from './order-actions.ts';
import { isIgnored, isQuiet, lastChangeMs, type OrderDesk } from './order-desk.ts';
import { discrepancy, type OrderFinding, pendingOf, wordsOf } from './order-words.ts';
import type { Discrepancy, Pending } from './types.ts';

export interface Absences {
  readonly discrepancies: readonly Discrepancy[];
  readonly pending: readonly Pending[];
  readonly drafts: readonly OrderDraft[];
  readonly absent: { readonly [subject: string]: number };
  /** Keys of the orders to ask for by name, sorted. */
  readonly asked: readonly string[];
}

/**
 * @param after the orders with the broker's word on them booked
 * @param drafts what is to be booked of them, by key
 */
export function judgeAbsent(
  after: ReadonlyMap<string, OrderBody>,
  drafts: ReadonlyMap<string, OrderDraft>,
  desk: OrderDesk,
): Absences {
  const found: OrderFinding[] = [];
  const asked: string[] = [];
  const { absent: counts } = desk.input.memory;
  const isComplete = desk.complete.open && desk.complete.completed && desk.complete.executions;
  for (const [key, body] of after) {
    if (!isAbsent(key, body, desk)) continue;
    const subject = `order ${key}`;
    const before = counts[subject] ?? 0;
    if (!isComplete) {
      // The count stands still while nobody can tell.
      if (before > 0) found.push({ discrepancies: [], pending: [], absent: { [subject]: before } });
      continue;
    }
    const entry = desk.input.book.orders.get(key);
    if (!isQuiet(desk, lastChangeMs(entry, desk.matches.orders.get(key)))) {
      found.push({ ...pendingOf(subject, 'it has just changed', 1), absent: { [subject]: before } });
      continue;
    }
    const runs = before + 1;
    const verdict =
      runs < desk.input.rules.absentRuns ? waiting(subject, body, runs) : verdictOf(body, drafts, desk);
    found.push({ ...verdict, absent: { [subject]: runs } });
    if (verdict.draft === undefined) asked.push(key);
  }
  for (const finding of absentFills(desk)) found.push(finding);
  return {
    discrepancies: found.flatMap(({ discrepancies }) => discrepancies),
    pending: found.flatMap(({ pending }) => pending),
    drafts: found.flatMap(({ draft }) => (draft ? [draft] : [])),
    absent: Object.assign({}, ...found.map(({ absent }) => absent)),
    asked: asked.sort(),
  };
}

function isAbsent(key: string, body: OrderBody, desk: OrderDesk): boolean {
  if (isTerminal(body.status)) return false;
  // Only executions of it were ever seen: nobody knows that it should live.
  if (body.terms === null) return false;
  const order = desk.matches.orders.get(key);
  if (order !== undefined && (order.open !== null || order.completed !== null)) return false;
  return !desk.matches.quarantined.has(key) && !isIgnored(desk, key, body.permId);
}

function waiting(subject: string, { status }: OrderBody, runs: number): OrderFinding {
  return pendingOf(subject, `the book has it ${status}, and the broker lists it nowhere`, runs);
}

function verdictOf(body: OrderBody, drafts: ReadonlyMap<string, OrderDraft>, desk: OrderDesk): OrderFinding {
  const words = { broker: 'in no list', book: wordsOf(body), evidence: [`permId ${body.permId}`] };
  if (body.state.live?.status === 'ApiPending') {
    const message =
      'The order was never transmitted: it lived in the gateway alone, and went with its session.';
    const draft = drafts.get(body.orderKey) ?? new OrderDraft(body.orderKey, desk.input, desk.fresh);
    end(draft, body, 'ApiCancelled', 'never transmitted; gone with the gateway');
    draft.kind = 'to_delete';
    return {
      discrepancies: [discrepancy('ORDER_STATUS_MISMATCH', body, { ...words, message })],
      pending: [],
      draft,
    };
  }
  if (body.status === 'PartiallyFilled' && isCovered(body, desk)) {
    const message = `The rest of the order no longer works, and no execution since then is missing: it was cancelled with ${body.filled} filled.`;
    const draft = drafts.get(body.orderKey) ?? new OrderDraft(body.orderKey, desk.input, desk.fresh);
    end(draft, body, 'Cancelled', 'no longer working; its executions are complete');
    return {
      discrepancies: [discrepancy('ORDER_STATUS_MISMATCH', body, { ...words, message })],
      pending: [],
      draft,
    };
  }
  const message = `The book has the order as ${body.status}, and the broker has it neither open nor completed, nor executed. It is left as it is: look for it in TWS or in the statement.`;
  return { discrepancies: [discrepancy('UNRESOLVED', body, { ...words, message })], pending: [] };
}

function end(draft: OrderDraft, body: OrderBody, status: OrderStatus, why: string): void {
  const told = toldReport(body)!;
  const report: OrderReport = {
    ...told,
    status,
    brokerStatus: '',
    whyHeld: '',
    reason: { code: 0, message: why },
  };
  draft.report(report);
  draft.cures.add('ORDER_STATUS_MISMATCH');
}

/** Everything since the last thing that is known of it lies within the broker's list of executions. */
function isCovered(body: OrderBody, desk: OrderDesk): boolean {
  const lastMs = lastChangeMs(
    desk.input.book.orders.get(body.orderKey),
    desk.matches.orders.get(body.orderKey),
  );
  return body.missing === '0' && body.synthetic === '0' && lastMs >= desk.input.rules.executionsSinceMs;
}

/** Executions of the window that the book has and the broker does not list, in any revision. */
function absentFills(desk: OrderDesk): OrderFinding[] {
  const { book, rules, memory } = desk.input;
  const { execIds: ids } = desk;
  const found: OrderFinding[] = [];
  let bases: Set<string> | undefined;
  for (const { body } of book.fills.values()) {
    const { report, execBase, execId } = body;
    if (ids.has(execId) || report === null || report.synthetic || report.timeMs < rules.executionsSinceMs)
      continue;
    const subject = `fill ${execId}`;
    const before = memory.absent[subject] ?? 0;
    if (!desk.complete.executions) {
      if (before > 0) found.push({ discrepancies: [], pending: [], absent: { [subject]: before } });
      continue;
    }
    // A revision that is no longer listed was replaced by a later one.
    bases ??= new Set([...ids].map((id) => parseExecId(id).execBase));
    if (bases.has(execBase) || isIgnored(desk, body.orderKey, report.permId)) continue;
    const runs = isQuiet(desk, report.timeMs) ? before + 1 : before;
    const why = 'the book has the execution, and the broker does not list it';
    if (runs < rules.absentRuns) {
      found.push({ ...pendingOf(subject, why, Math.max(runs, 1)), absent: { [subject]: runs } });
      continue;
    }
    const order = book.orders.get(body.orderKey)?.body;
    if (order === undefined) continue;
    const message = `The book has ${execId} (${report.side} ${report.quantity} at ${report.price}), and the broker no longer lists it. It may have been busted: compare it with the statement.`;
    const words = {
      subject,
      broker: 'not listed',
      book: `${report.side} ${report.quantity} at ${report.price}`,
    };
    const unresolved = discrepancy('UNRESOLVED', order, { ...words, message, evidence: [execId] });
    found.push({ discrepancies: [unresolved], pending: [], absent: { [subject]: runs } });
  }
  return found;
}

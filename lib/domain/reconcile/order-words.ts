/** What is said of orders: findings, their words for a person, and the evidence that they rest on. */
import type { OrderBody } from '../book/orders.ts';
import { amount } from '../orders/decimals.ts';
import type { FillReport } from '../orders/fill-report.ts';
import { isTerminal } from '../orders/legal-moves.ts';
import type { OrderReport } from '../orders/order-report.ts';
import type { BrokerOrder } from './context.ts';
import type { OrderDraft } from './order-actions.ts';
import { differingTerms } from './order-merge.ts';
import { severityOf } from './severity.ts';
import type { Discrepancy, DiscrepancyType, Pending, Severity } from './types.ts';

export interface OrderFinding {
  readonly discrepancies: readonly Discrepancy[];
  readonly pending: readonly Pending[];
  readonly draft?: OrderDraft;
  /** Runs, by subject, of what is given time. */
  readonly absent?: { readonly [subject: string]: number };
}

export function pendingOf(subject: string, why: string, runs: number): OrderFinding {
  return { discrepancies: [], pending: [{ subject, why, runs }] };
}

/** A discrepancy about an order, with what follows from the order. */
export function discrepancy(
  type: DiscrepancyType,
  body: OrderBody,
  more: Partial<Discrepancy> & Pick<Discrepancy, 'broker' | 'book'>,
): Discrepancy {
  const subject = more.subject ?? `order ${body.orderKey}`;
  return {
    id: `${type}:${subject}`,
    type,
    severity: severityOf(type),
    subject,
    symbol: body.contract?.localSymbol || (body.contract?.symbol ?? ''),
    message: '',
    evidence: [],
    ...more,
  };
}

/** `Submitted, 3 of 5 filled` */
export function wordsOf(body: OrderBody | undefined): string {
  if (body === undefined) return 'nothing';
  return `${body.status}, ${body.filled} of ${body.terms?.quantity ?? '?'} filled`;
}

export function evidenceOf({ permId, clientId, orderId, executions }: BrokerOrder): string[] {
  const name = permId > 0 ? `permId ${permId}` : `client ${clientId} order ${orderId}`;
  return [name, ...executions.map(({ execId }) => execId)];
}

/**
 * A part of what the broker calls filled is in no execution that it lists.
 *
 * @param isBooked a synthetic fill stands in for it
 */
export function gapOf(body: OrderBody, isBooked: boolean): Discrepancy {
  const { reportedFilled, missing, filled, permId } = body;
  const cure = isBooked
    ? 'The plan books a synthetic fill for it, until the real one is found.'
    : 'Nothing is made up for it.';
  const message = `The broker reports ${reportedFilled} as filled, and ${missing} of it are in no execution that it lists: the list reaches back to midnight of the gateway. ${cure} Look for the rest in the statement.`;
  return discrepancy('MISSING_FILL', body, {
    broker: `${reportedFilled} filled`,
    book: `${filled} filled`,
    message,
    evidence: [`permId ${permId}`],
  });
}

/** The words for what changes; `''` where nothing does, but for what follows from the fills. */
export function mismatch(told: OrderReport, next: OrderReport, known: OrderBody): string {
  const said: string[] = [];
  if (told.status !== next.status) said.push(`its state is ${next.status}, the book has ${known.status}`);
  const ended = isTerminal(next.status);
  const terms = differingTerms(told.terms, next.terms).filter((name) => !ended || name === 'quantity');
  for (const name of terms) said.push(`${name} is ${next.terms[name]}, the book has ${told.terms[name]}`);
  if (told.permId === 0 && next.permId !== 0) said.push(`IB calls it ${next.permId} now`);
  return said.length === 0 ? '' : `The broker says otherwise: ${said.join('; ')}.`;
}

/** What an order is that the book does not have: a stranger's, ours, or one of which only executions are told. */
export function unknownOrder(
  { open, completed, clientId, orderId, executions }: BrokerOrder,
  body: OrderBody,
  ownClientIds: readonly number[],
): { type: DiscrepancyType; severity: Severity; message: string } {
  const asked = open ?? completed;
  if (body.liquidation) {
    const message =
      'IB closed a position by itself (liquidation). The book does not have the order: look at the margin of the account.';
    return { type: 'MISSING_FILL', severity: 'CRITICAL', message };
  }
  if (asked === null) {
    const message =
      'The broker has executions of an order that the book does not know. They are booked under an order of their own.';
    return { type: 'MISSING_FILL', severity: severityOf('MISSING_FILL'), message };
  }
  const ours = orderId > 0 && ownClientIds.includes(clientId);
  if (open !== null && !ours) {
    const who = orderId > 0 ? `API client ${clientId}` : 'somebody in TWS';
    const message = `The order is of ${who}: it can be seen and recorded here, but not cancelled. Ask whoever placed it, or cancel it in TWS.`;
    return { type: 'UNKNOWN_ORDER', severity: severityOf('UNKNOWN_ORDER'), message };
  }
  const live = open !== null && !isTerminal(body.status);
  const unfilled = !live && executions.length === 0 && amount(body.reportedFilled).isZero();
  const message = live
    ? 'The order works at the broker and the book does not have it. The plan adopts it.'
    : 'The order has ended at the broker and the book does not have it. The plan adds it.';
  // Nothing can come of it any more.
  return {
    type: 'MISSING_FROM_BOOK',
    severity: unfilled ? 'INFO' : severityOf('MISSING_FROM_BOOK'),
    message,
  };
}

/** What is said of executions and costs that the book lacks. */
export function missingWords(
  fills: readonly FillReport[],
  costs: readonly { readonly execId: string }[],
  before: OrderBody,
  after: OrderBody,
): Partial<Discrepancy> {
  const evidence = [...new Set([...fills, ...costs].map(({ execId }) => execId))].sort();
  if (fills.length === 0) {
    const message = `The book does not know what ${evidence.join(', ')} cost. The plan adds it.`;
    return { severity: 'INFO', message, evidence };
  }
  const held = after.quarantined.filter((execId) => !before.quarantined.includes(execId));
  if (held.length > 0) {
    const message = `${held.join(', ')} would go beyond the order's quantity. It is recorded in quarantine and counts nothing: compare it with the statement.`;
    return { severity: 'CRITICAL', message, evidence };
  }
  if (after.liquidation && !before.liquidation) {
    return {
      severity: 'CRITICAL',
      message: 'IB closed a position by itself (liquidation). Look at the margin.',
      evidence,
    };
  }
  return { message: `The book lacks ${evidence.join(', ')}. The plan books what really happened.`, evidence };
}

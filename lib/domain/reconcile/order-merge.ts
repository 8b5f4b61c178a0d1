/** The report that the broker's facts of one order make, over what the book knows of it: by the rules of the tracker. */
import { type OrderBody, toldReport } from '../book/orders.ts';
import { statusOfCompleted } from '../orders/broker-words.ts';
import { sameContent } from '../orders/content.ts';
import { amount } from '../orders/decimals.ts';
import { isTerminal } from '../orders/legal-moves.ts';
import { standingEnd } from '../orders/order-registers.ts';
import type { OrderIdentity, OrderReport, OrderTerms } from '../orders/order-report.ts';
import { restateReport } from '../orders/order-restate.ts';
import { type OrderState, viewOf } from '../orders/order-state.ts';
import type { Stamp } from '../orders/stamp.ts';
import { mergeIds, mergeSight, over, type Sight, type SightedOrder } from '../orders/tracker-sight.ts';
import { beforeOf, completedSight, executionSight, openSight, statusSight } from '../orders/tracker-words.ts';
import { rankOf } from './broker-orders.ts';
import type { BrokerOrder } from './context.ts';

const never: Stamp = { epoch: -1, seq: -1 };
/** All facts of a snapshot are of one moment. */
const at: Stamp = { epoch: 0, seq: 0 };

/** What IB calls it, added to what is known of it. */
export function identityWith(known: OrderIdentity, order: BrokerOrder): OrderIdentity {
  const { permId, clientId, orderId, orderRef } = order;
  return mergeIds(known, { permId, ...(orderId !== 0 && { clientId, orderId }), orderRef });
}

export interface Merged {
  readonly report: OrderReport;
  /** The order with the report in it, where finding the report has made it already. */
  readonly body: OrderBody | undefined;
}

/**
 * @param body the order in the book, its missing executions folded into it; undefined for a new one
 * @param fresh stamp of what the book did not say at all
 * @returns undefined where only executions are known, which say nothing of what was asked for
 */
export function mergedReport(
  body: OrderBody | undefined,
  known: OrderIdentity,
  order: BrokerOrder,
  parentKey: string | null,
  fresh: Stamp,
): Merged | undefined {
  const state = body?.state;
  const told = body && toldReport(body);
  const sighted: { -readonly [K in keyof SightedOrder]: SightedOrder[K] } = {
    report: told,
    termsAt: never,
    statusAt: never,
  };
  const identity = identityWith(known, order);
  const parent = told?.terms.parentKey ?? parentKey;
  for (const sight of sightsOf(order, told, state)) {
    const merged = mergeSight(sighted, identity, sight, parent);
    if (merged !== undefined) sighted.report = merged;
  }
  const { report } = sighted;
  return report === undefined || order.isShare ? undefined : judged(state, report, fresh);
}

function* sightsOf(
  order: BrokerOrder,
  told: OrderReport | undefined,
  state: OrderState | undefined,
): Generator<Sight> {
  const { open, status, completed, executions } = order;
  const before = beforeOf(told);
  const opened = open && asBefore(openSight(open, at, before), state);
  const stated = status && asBefore(statusSight(status, at, before), state);
  if (opened && stated) {
    yield rankOf(status.status) >= rankOf(open.status) ? over(opened, stated) : over(stated, opened);
  } else if (opened ?? stated) yield (opened ?? stated)!;
  if (completed) yield completedSight(completed, at, told !== undefined && isTerminal(told.status));
  const combination = (told ?? open ?? completed)?.contract.secType === 'BAG';
  for (const execution of executions) {
    // A leg's quantity is not the combination's.
    if (combination === (execution.contract.secType === 'BAG')) yield executionSight(execution, at);
  }
}

/** A word that is repeated means what it meant when it came: with fills in between, "pending" is still no change. */
function asBefore(sight: Sight, state: OrderState | undefined): Sight {
  const live = state?.live;
  if (!live || sight.status?.word !== live.brokerStatus || isTerminal(sight.status.status)) return sight;
  return { ...sight, status: { ...sight.status, status: live.status } };
}

/** With what follows from the fills, and with an end that is known already. */
function judged(state: OrderState | undefined, report: OrderReport, fresh: Stamp): Merged {
  const probe = restateReport(state, report, fresh);
  const view = viewOf(probe);
  const { status, reason, settled } = view;
  const end = standingEnd(probe);
  let { brokerStatus, whyHeld } = report;
  if (isTerminal(status)) {
    const byFills = status === 'Filled' && end?.status !== 'Filled';
    brokerStatus = byFills ? '' : (end?.brokerStatus ?? '');
    whyHeld = '';
  }
  const said = isTerminal(status) ? reason : report.reason;
  const isSame =
    status === report.status &&
    brokerStatus === report.brokerStatus &&
    whyHeld === report.whyHeld &&
    settled?.commandId === report.settled?.commandId &&
    sameContent(said, report.reason);
  if (isSame) return { report, body: { ...view, state: probe } };
  const { settled: _, ...rest } = report;
  const next = { ...rest, status, brokerStatus, whyHeld, reason: said, ...(settled && { settled }) };
  return { report: next, body: undefined };
}

const numbers = ['quantity', 'limitPrice', 'stopPrice', 'trailingPercent', 'trailStopPrice'] as const;

/** Names of the terms in which two reports differ; `5` and `5.0` are the same. */
export function differingTerms(told: OrderTerms, next: OrderTerms): (keyof OrderTerms)[] {
  const names = Object.keys(next) as (keyof OrderTerms)[];
  return names.filter((name) => told[name] !== next[name] && !sameNumber(name, told, next));
}

function sameNumber(name: keyof OrderTerms, told: OrderTerms, next: OrderTerms): boolean {
  if (!(numbers as readonly string[]).includes(name)) return false;
  const [a, b] = [told[name], next[name]];
  return typeof a === 'string' && typeof b === 'string' && amount(a).eq(amount(b));
}

/**
 * Whether the facts say what the book says, at a glance: without folding, and false in doubt. Executions are compared by
 * whoever books them.
 */
export function saysTheSame(body: OrderBody, order: BrokerOrder): boolean {
  const { open, status, completed, executions, permId } = order;
  if (body.permId !== permId && permId !== 0) return false;
  if (completed !== null && statusOfCompleted(completed.status, completed.completedStatus) !== body.status) {
    return false;
  }
  if (open !== null && !sameOpen(body, open.status)) return false;
  if (status !== null && !sameOpen(body, status.status)) return false;
  if (open !== null && (body.terms === null || !sameOpenTerms(body.terms, open.terms))) return false;
  const filled = [status?.filled, completed?.filled, ...executions.map((one) => one.cumulativeQuantity)];
  const known = Number(body.reportedFilled);
  return filled.every((text) => text === undefined || Number(text) <= known);
}

function sameOpen(body: OrderBody, word: string): boolean {
  return !isTerminal(body.status) && body.brokerStatus === word && body.state.live?.status === word;
}

function sameOpenTerms(known: OrderTerms, terms: object): boolean {
  for (const [name, value] of Object.entries(terms)) {
    if (name !== 'parentId' && known[name as keyof OrderTerms] !== value) return false;
  }
  const { parentId } = terms as { parentId: number };
  return parentId === 0 || (known.parentId === parentId && known.parentKey !== null);
}

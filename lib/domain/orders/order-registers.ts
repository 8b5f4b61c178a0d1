/**
 * The registers that reports of an order are joined into. Terms and the live state: the later stamp wins. How it ended:
 * chosen by content, and for good, because IB repeats old states after the last one; but what a person said of it stands
 * only until IB says something else. The reported fill: the largest.
 */

import { sameContent } from './content.ts';
import type { TradedContract } from './contract.ts';
import { amount } from './decimals.ts';
import { isTerminal } from './legal-moves.ts';
import type { OrderReason, OrderReport, OrderStatus, OrderTerms, Settlement } from './order-report.ts';
import { compareStamps, type Stamp } from './stamp.ts';

/** What was asked for. `final`: told with the order's end, which later repeats of older terms do not undo. */
export interface Asked {
  readonly at: Stamp;
  readonly final: boolean;
  readonly contract: TradedContract;
  readonly terms: OrderTerms;
}

/** Apart from the terms, because IB gives the quantity of a completed order as 0. Never 0 here. */
export interface AskedQuantity {
  readonly at: Stamp;
  readonly final: boolean;
  readonly quantity: string;
}

/** The last state in which it had not ended. PartiallyFilled is not among them: it follows from fills. */
export interface Live {
  readonly at: Stamp;
  readonly status: OrderStatus;
  readonly brokerStatus: string;
  readonly whyHeld: string;
  readonly reason: OrderReason | null;
}

export interface Ended {
  readonly at: Stamp;
  readonly status: OrderStatus;
  readonly brokerStatus: string;
  readonly reason: OrderReason | null;
  /** A person gave it: any end that IB tells takes its place, and a later word that the order works takes it back. */
  readonly settled?: Settlement;
}

export interface Reported {
  readonly at: Stamp;
  readonly filled: string;
  readonly averagePrice: string | null;
}

export interface Registers {
  readonly asked: Asked | null;
  readonly quantity: AskedQuantity | null;
  readonly live: Live | null;
  readonly ended: Ended | null;
  readonly reported: Reported | null;
}

/** How it ended, as far as that stands: IB's later word that the order works takes back what a person said, and nothing else. */
export function standingEnd({ ended, live }: Pick<Registers, 'ended' | 'live'>): Ended | null {
  const isTakenBack = ended?.settled !== undefined && live !== null && byStamp(live, ended) > 0;
  return isTakenBack ? null : ended;
}

/** Registers after a report, the old objects where nothing changed. */
export function joinReport(known: Registers, report: OrderReport, stamp: Stamp): Registers {
  const at = { epoch: stamp.epoch, seq: stamp.seq };
  const { status, brokerStatus, whyHeld } = report;
  const reason = report.reason && { code: report.reason.code, message: report.reason.message };
  // Filled because the fills say so is no word of IB's: the fold sees the fills itself, and they may be corrected.
  const settled = report.settled && copySettlement(report.settled);
  const derived = status === 'Filled' && brokerStatus === '' && settled === undefined;
  const isEnd = isTerminal(status) && !derived;
  const final = isEnd && settled === undefined;
  const asked = { at, final, contract: copyContract(report.contract), terms: copyTerms(report.terms) };
  const { quantity } = report.terms;
  const filled = { at, filled: report.reportedFilled, averagePrice: report.reportedAveragePrice };
  const live = {
    at,
    status: status === 'PartiallyFilled' ? 'Submitted' : status,
    brokerStatus,
    whyHeld,
    reason,
  };
  return {
    asked: better(known.asked, asked, byFinality),
    quantity: amount(quantity).gt(0)
      ? better(known.quantity, { at, final, quantity }, byFinality)
      : known.quantity,
    live: isTerminal(status) ? known.live : better(known.live, live, byStamp),
    ended: isEnd
      ? better(known.ended, { at, status, brokerStatus, reason, ...(settled && { settled }) }, byEnd)
      : known.ended,
    reported: better(known.reported, filled, byFilled),
  };
}

/** Whether registers differ in no more than their stamps, and in nothing that follows from these. */
export function sayTheSame(a: Registers, b: Registers): boolean {
  if ((standingEnd(a) === null) !== (standingEnd(b) === null)) return false;
  const names = ['asked', 'quantity', 'live', 'ended', 'reported'] as const;
  return names.every((name) => a[name] === b[name] || sameContent(a[name], b[name]));
}

/** Keeps `known` unless `told` ranks higher. */
function better<T>(known: T | null, told: T, compare: (a: T, b: T) => number): T {
  return known === null || compare(told, known) > 0 ? told : known;
}

function byStamp(a: { at: Stamp }, b: { at: Stamp }): number {
  return compareStamps(a.at, b.at);
}

function byFinality(a: { at: Stamp; final: boolean }, b: { at: Stamp; final: boolean }): number {
  return Number(a.final) - Number(b.final) || byStamp(a, b);
}

/** The more that is known of how an order ended, the higher; a fill is proof. */
const endRanks: readonly OrderStatus[] = ['Cancelled', 'ApiCancelled', 'Expired', 'Rejected', 'Filled'];

function byEnd(a: Ended, b: Ended): number {
  // Of what persons said the last: one who says it again after the order was back has to be heard.
  if (a.settled !== undefined && b.settled !== undefined) return byStamp(a, b);
  if (a.settled !== undefined || b.settled !== undefined) return a.settled === undefined ? 1 : -1;
  return (
    endRanks.indexOf(a.status) - endRanks.indexOf(b.status) ||
    (a.reason?.code ?? -1) - (b.reason?.code ?? -1) ||
    byText(a.reason?.message ?? '', b.reason?.message ?? '') ||
    byText(a.brokerStatus, b.brokerStatus) ||
    // The same end told again: when it was told first.
    byStamp(b, a)
  );
}

function byFilled(a: Reported, b: Reported): number {
  return (
    amount(a.filled).comparedTo(amount(b.filled)) ||
    Number(a.averagePrice !== null) - Number(b.averagePrice !== null) ||
    byStamp(a, b)
  );
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Named field by field: what a sender adds to its objects must not reach the book. */
export function copyContract(from: TradedContract): TradedContract {
  return {
    conId: from.conId,
    symbol: from.symbol,
    secType: from.secType,
    localSymbol: from.localSymbol,
    exchange: from.exchange,
    currency: from.currency,
    multiplier: from.multiplier,
    lastTradeDate: from.lastTradeDate,
    strike: from.strike,
    right: from.right,
    tradingClass: from.tradingClass,
  };
}

function copySettlement({ by, reason, commandId }: Settlement): Settlement {
  return { by, reason, commandId };
}

function copyTerms(from: OrderTerms): OrderTerms {
  return {
    action: from.action,
    quantity: from.quantity,
    orderType: from.orderType,
    limitPrice: from.limitPrice,
    stopPrice: from.stopPrice,
    trailingPercent: from.trailingPercent,
    trailStopPrice: from.trailStopPrice,
    timeInForce: from.timeInForce,
    goodTillDate: from.goodTillDate,
    outsideRth: from.outsideRth,
    ocaGroup: from.ocaGroup,
    ocaType: from.ocaType,
    parentId: from.parentId,
    parentKey: from.parentKey,
  };
}

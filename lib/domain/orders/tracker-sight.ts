/** What one fact says of an order, and the whole report that follows from it and from what was known before. */
import type { BrokerTerms } from './broker-facts.ts';
import type { TradedContract } from './contract.ts';
import { amount, plain } from './decimals.ts';
import { isRefusal } from './error-verdict.ts';
import { isAccepted, isTerminal } from './legal-moves.ts';
import type { OrderIdentity, OrderReason, OrderReport, OrderStatus, Settlement } from './order-report.ts';
import { compareStamps, type Stamp } from './stamp.ts';
import type { TrackedOrder } from './tracker-state.ts';

/** What is absent is not said. */
export interface Sight {
  readonly at: Stamp;
  /** Of sights that were put together: when each part was seen. */
  readonly termsAt?: Stamp;
  readonly statusAt?: Stamp;
  readonly ids?: Ids;
  readonly contract?: TradedContract;
  readonly terms?: BrokerTerms;
  /** The terms have gaps: what they leave out is as it was. */
  readonly partial?: boolean;
  readonly status?: { readonly status: OrderStatus; readonly word: string; readonly whyHeld?: string };
  readonly reason?: OrderReason;
  /** The status is a person's word. */
  readonly settled?: Settlement;
  readonly filled?: string;
  readonly averagePrice?: string;
  /** Order id of the parent where only a status says it. */
  readonly parentId?: number;
  readonly occurredAtMs?: number;
}

/** What merging needs to know of an order: the last report, and when its parts were seen. */
export type SightedOrder = Pick<TrackedOrder, 'report' | 'termsAt' | 'statusAt'>;

export type Ids = Partial<Omit<OrderIdentity, 'orderKey' | 'origin'>>;

/** The whole as it is now; undefined while contract and terms are not known. Older facts undo nothing newer. */
export function mergeSight(
  order: SightedOrder,
  known: OrderIdentity,
  sight: Sight,
  parentKey: string | null,
): OrderReport | undefined {
  const { report } = order;
  const contract = report?.contract ?? sight.contract;
  const terms = mergeTerms(order, sight);
  if (contract === undefined || terms === undefined) return undefined;
  // An end counts whenever it was said; a live state only if nothing newer was.
  const counts =
    sight.status && (isTerminal(sight.status.status) || isNewer(statusAt(sight), order.statusAt));
  const status = counts ? sight.status : undefined;
  // A person's reason is one of that end.
  const before = status !== undefined && report?.settled ? null : (report?.reason ?? null);
  const settled = status === undefined ? report?.settled : sight.settled;
  return {
    ...known,
    contract,
    terms: { ...terms, parentKey },
    status: status?.status ?? report?.status ?? 'Unknown',
    brokerStatus: status?.word ?? report?.brokerStatus ?? '',
    whyHeld: status?.whyHeld ?? report?.whyHeld ?? '',
    reason: sight.reason ?? (status && takesBackRefusal(status) ? unrefused(before) : before),
    ...mergeFilled(report, sight),
    ...(settled && { settled }),
  };
}

/** IB's word for an order that works: a refusal that it gave before was of a change, or of another order of the id. */
function takesBackRefusal({ status, word }: NonNullable<Sight['status']>): boolean {
  return word !== '' && isAccepted(status);
}

/** Kept, it would make a refused order of one that is cancelled later. */
function unrefused(reason: OrderReason | null): OrderReason | null {
  return reason !== null && isRefusal(reason.code) ? null : reason;
}

/** An id that is known stays: IB says 0 or nothing where it leaves one out, and a suffix does not make another order. */
export function mergeIds(known: OrderIdentity, ids: Ids | undefined): OrderIdentity {
  if (ids === undefined) return known;
  // 0 is a client's number too: it comes with its order id or not at all.
  const first = known.clientId === 0 && known.orderId === 0;
  const clientId = first ? (ids.clientId ?? 0) : known.clientId;
  const orderId = first ? (ids.orderId ?? 0) : known.orderId;
  return {
    orderKey: known.orderKey,
    permId: known.permId || (ids.permId ?? 0),
    clientId,
    orderId,
    orderRef: known.orderRef || (ids.orderRef ?? ''),
    origin: orderId > 0 ? 'api' : known.origin,
  };
}

/** Notes when each part was seen; called once the report is kept. */
export function noteSeen(order: TrackedOrder, sight: Sight): void {
  // Terms with gaps give way to whole ones, also to older: those of an order that has ended do not change any more.
  const whole = sight.terms !== undefined && sight.partial !== true;
  if (whole && isNewer(termsAt(sight), order.termsAt)) order.termsAt = termsAt(sight);
  if (sight.status !== undefined && isNewer(statusAt(sight), order.statusAt))
    order.statusAt = statusAt(sight);
}

/**
 * True when the next report says what the last one did not: of terms, status, reason or the filled quantity. The
 * contract's texts, IB's word for the same status and a changed average of the same quantity are no change.
 */
export function saysMore(told: OrderReport, next: OrderReport): boolean {
  return (
    told.status !== next.status ||
    told.settled?.commandId !== next.settled?.commandId ||
    (told.permId === 0 && next.permId !== 0) ||
    // The end that followed from the fills is now IB's word, which no correction of a fill undoes.
    (isTerminal(next.status) && told.brokerStatus === '' && next.brokerStatus !== '') ||
    !sameTerms(told, next) ||
    !amount(told.reportedFilled).eq(next.reportedFilled) ||
    (told.reportedAveragePrice === null && next.reportedAveragePrice !== null) ||
    told.whyHeld !== next.whyHeld ||
    told.reason?.code !== next.reason?.code ||
    told.reason?.message !== next.reason?.message
  );
}

function sameTerms(told: OrderReport, next: OrderReport): boolean {
  const names = Object.keys(next.terms) as (keyof OrderReport['terms'])[];
  return names.every((name) => told.terms[name] === next.terms[name]);
}

function mergeTerms(order: SightedOrder, sight: Sight): BrokerTerms | undefined {
  const told = order.report?.terms;
  const parentId = told?.parentId || sight.terms?.parentId || sight.parentId || 0;
  if (sight.terms === undefined) return told === undefined ? undefined : { ...told, parentId };
  if (told === undefined) return { ...sight.terms, parentId };
  if (!isNewer(termsAt(sight), order.termsAt)) return { ...told, parentId };
  const terms = sight.partial ? filledIn(told, sight.terms) : sight.terms;
  return { ...terms, parentId };
}

/** A completed order comes with a quantity of 0 (recorded at server version 173), and without much else. */
function filledIn(told: BrokerTerms, next: BrokerTerms): BrokerTerms {
  return {
    ...next,
    quantity: amount(next.quantity).isZero() ? told.quantity : next.quantity,
    limitPrice: next.limitPrice ?? told.limitPrice,
    stopPrice: next.stopPrice ?? told.stopPrice,
    trailingPercent: next.trailingPercent ?? told.trailingPercent,
    trailStopPrice: next.trailStopPrice ?? told.trailStopPrice,
    goodTillDate: next.goodTillDate || told.goodTillDate,
    ocaGroup: next.ocaGroup || told.ocaGroup,
    ocaType: next.ocaType || told.ocaType,
  };
}

/** The most that IB said is filled; busts are told by corrections, not by this number. */
function mergeFilled(
  report: OrderReport | undefined,
  sight: Sight,
): Pick<OrderReport, 'reportedFilled' | 'reportedAveragePrice'> {
  const told = report?.reportedFilled ?? '0';
  const average = report?.reportedAveragePrice ?? null;
  if (sight.filled === undefined || amount(sight.filled).lt(told)) {
    return { reportedFilled: told, reportedAveragePrice: average };
  }
  const filled = amount(sight.filled);
  const said = filled.isZero() ? null : (sight.averagePrice ?? null);
  return {
    reportedFilled: plain(filled),
    reportedAveragePrice: filled.gt(told) ? (said ?? average) : (average ?? said),
  };
}

function termsAt(sight: Sight): Stamp {
  return sight.termsAt ?? sight.at;
}

function statusAt(sight: Sight): Stamp {
  return sight.statusAt ?? sight.at;
}

/** Two sights as one: what the later says, and what it does not say from the earlier; an end is not undone. */
export function over(earlier: Sight | undefined, later: Sight): Sight {
  if (earlier === undefined) return later;
  const ended = earlier.status !== undefined && isTerminal(earlier.status.status);
  const ids = {
    ...earlier.ids,
    ...later.ids,
    orderRef: later.ids?.orderRef || (earlier.ids?.orderRef ?? ''),
  };
  return {
    ...earlier,
    ...later,
    ids,
    ...(ended && { status: earlier.status }),
    termsAt: termsAt(later.terms === undefined ? earlier : later),
    statusAt: statusAt(later.status === undefined || ended ? earlier : later),
  };
}

function isNewer(at: Stamp, than: Stamp): boolean {
  return compareStamps(at, than) >= 0;
}

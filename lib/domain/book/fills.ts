/**
 * Fills and what they cost. A fill has an item of its own for each of its revisions, and is part of its order's state;
 * a commission belongs to one revision of one fill and waits in a placeholder where it comes first.
 */
import { fillKey } from '../orders/exec-id.ts';
import type { CommissionReport, FillReport } from '../orders/fill-report.ts';
import { foldCommission, foldFill } from '../orders/order-state.ts';
import { compareStamps, type Stamp } from '../orders/stamp.ts';
import type { BookRef } from './item.ts';
import type { NewsOf } from './news.ts';
import { orderRef, orderWrites, stateAt, unreadOrder } from './orders.ts';
import { pointerWrites, resolvedKey } from './pointers.ts';
import { type Booking, bodyOf, type Seen, unread, write } from './seen.ts';

/** Body of a `FILL#` item. */
export interface FillBody {
  readonly execId: string;
  readonly execBase: string;
  readonly revision: number;
  /** Key of its order in the book; `''` while only the commission is known. */
  readonly orderKey: string;
  /** Null in a placeholder: the commission came, the execution has not. */
  readonly report: FillReport | null;
  /** Of the report. */
  readonly stamp: Stamp | null;
  readonly commission: FillCommission | null;
}

export interface FillCommission {
  readonly commission: string;
  readonly currency: string;
  readonly realizedPnl: string | null;
  readonly stamp: Stamp;
}

export function bookFill({ report, at }: NewsOf<'fill'>, seen: Seen): Booking {
  const ref = fillRef(report);
  const missing = unreadOrder(report, seen, [ref]);
  if (missing) return missing;
  const orderKey = resolvedKey(report, seen);
  const stored = bodyOf<FillBody>(ref, seen);
  const fill = { ...report, orderKey };
  const folded = foldFill(stateAt(orderKey, seen), fill, at);
  // A commission that waited for this execution reaches the order now, under the stamp that it came with.
  const joined = stored?.commission
    ? foldCommission(
        folded.state,
        commissionReport(report, orderKey, stored.commission),
        stored.commission.stamp,
      )
    : { state: folded.state, changed: false };
  const body: FillBody = {
    ...nameOf(report),
    orderKey,
    report: fill,
    stamp: { epoch: at.epoch, seq: at.seq },
    commission: stored?.commission ?? null,
  };
  return {
    do: 'write',
    orderKey,
    writes: [
      ...(replacesReport(fill, at, stored) ? [write(ref, body as never, seen)] : []),
      ...orderWrites(orderKey, joined.state, folded.changed || joined.changed, seen),
      ...pointerWrites(report, orderKey, seen),
    ],
  };
}

export function bookCommission({ report, at }: NewsOf<'commission'>, seen: Seen): Booking {
  const ref = fillRef(report);
  const missing = unread([ref], seen);
  if (missing) return missing;
  const stored = bodyOf<FillBody>(ref, seen);
  const orderKey = stored?.orderKey ?? '';
  // The later stamp stays, for the same reason as with balances.
  if (stored?.commission && compareStamps(stored.commission.stamp, at) >= 0) return nothing(orderKey);
  const { commission, currency, realizedPnl } = report;
  const body: FillBody = {
    ...(stored ?? { ...nameOf(report), orderKey: '', report: null, stamp: null }),
    commission: { commission, currency, realizedPnl, stamp: { epoch: at.epoch, seq: at.seq } },
  };
  // Only an execution that is booked leads to an order: the same whether its commission came before or after it.
  if (orderKey === '') {
    return { do: 'write', orderKey: report.orderKey, writes: [write(ref, body as never, seen)] };
  }
  const unreadState = unread([orderRef(orderKey)], seen);
  if (unreadState) return unreadState;
  const { state, changed } = foldCommission(stateAt(orderKey, seen), { ...report, orderKey }, at);
  return {
    do: 'write',
    orderKey,
    writes: [write(ref, body as never, seen), ...orderWrites(orderKey, state, changed, seen)],
  };
}

/**
 * The report that the streamer gave first stays, whichever arrives first; a real execution replaces a synthetic one.
 * The broker corrects by a new revision, so a second price under one execId is noise, and the order's fold says so.
 */
function replacesReport(report: FillReport, at: Stamp, stored: FillBody | undefined): boolean {
  if (!stored?.report || !stored.stamp) return true;
  if (stored.report.synthetic !== report.synthetic) return stored.report.synthetic;
  return compareStamps(at, stored.stamp) < 0;
}

function fillRef(report: { execBase: string; revision: number }): BookRef {
  return { kind: 'fill', id: fillKey(report) };
}

function nameOf({ execId, execBase, revision }: { execId: string; execBase: string; revision: number }) {
  return { execId, execBase, revision };
}

function commissionReport(
  fill: FillReport,
  orderKey: string,
  { commission, currency, realizedPnl }: FillCommission,
): CommissionReport {
  return { ...nameOf(fill), orderKey, commission, currency, realizedPnl };
}

function nothing(orderKey: string): Booking {
  return { do: 'write', orderKey, writes: [] };
}

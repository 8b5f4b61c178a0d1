/** Positions and balances: the latest word of the broker. */
import type { BalanceReport, PositionReport } from '../accounts/position-report.ts';
import { compareStamps, type Stamp } from '../orders/stamp.ts';
import type { BookRef } from './item.ts';
import type { NewsOf } from './news.ts';
import { type Booking, bodyOf, type Seen, unread, write } from './seen.ts';

/** Body of a `POS#` item. */
export type PositionBody = PositionReport & { readonly stamp: Stamp };

/** Body of a `CASH#` item. */
export type BalanceBody = BalanceReport & { readonly stamp: Stamp };

export function bookPosition({ report, at }: NewsOf<'position'>, seen: Seen): Booking {
  return lastWriterWins({ kind: 'position', id: String(report.contract.conId) }, report, at, seen);
}

export function bookBalance({ report, at }: NewsOf<'balance'>, seen: Seen): Booking {
  return lastWriterWins({ kind: 'cash', id: report.currency }, report, at, seen);
}

/**
 * The later stamp stays. It is stored even where it says what is there already: of 5 at stamp 1, 7 at 2 and 5 at 3,
 * arriving as 1, 3, 2, the last must find stamp 3 in the book, or 7 would stay.
 */
function lastWriterWins(
  ref: BookRef,
  report: PositionReport | BalanceReport,
  at: Stamp,
  seen: Seen,
): Booking {
  const missing = unread([ref], seen);
  if (missing) return missing;
  const stored = bodyOf<{ readonly stamp: Stamp }>(ref, seen);
  const isLater = stored === undefined || compareStamps(stored.stamp, at) < 0;
  const body = { ...report, stamp: { epoch: at.epoch, seq: at.seq } };
  return { do: 'write', orderKey: '', writes: isLater ? [write(ref, body as never, seen)] : [] };
}

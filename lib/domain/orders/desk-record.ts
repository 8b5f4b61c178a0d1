/** What the sender of orders must know after a restart: the item `DESK` of an account's book. */
import type { BookBody } from '../book/item.ts';
import type { DayValue } from '../safety/risk-day.ts';

export interface DeskRecord {
  /** Below it every order id of our client may have been used. */
  readonly nextOrderId: number;
  /** Keys of intents whose fate is not known. */
  readonly open: readonly string[];
  /** When orders left within the last minute: Unix ms, of the system clock. */
  readonly leftAtMs: readonly number[];
  /** The account's value by session date; null before the broker has told one. */
  readonly value: DayValue | null;
}

export const firstDesk: DeskRecord = { nextOrderId: 1, open: [], leftAtMs: [], value: null };

/** @throws TypeError for an item that is none: ids could be given out twice */
export function readDesk(body: BookBody | undefined): DeskRecord {
  if (body === undefined) return firstDesk;
  const { nextOrderId, open, leftAtMs } = body;
  if (!Number.isSafeInteger(nextOrderId) || !Array.isArray(open) || !Array.isArray(leftAtMs)) {
    throw new TypeError(
      'DESK_INVALID: the item DESK of the book is none of this program; restore it from a backup',
    );
  }
  return body as unknown as DeskRecord;
}

export function deskBody(desk: DeskRecord): BookBody {
  return { ...desk } as unknown as BookBody;
}

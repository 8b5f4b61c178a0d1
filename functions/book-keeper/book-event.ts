/** Books one event: reads what it touches, asks the rules what to write, commits; again where somebody was faster. */
import { bookKeeperWriter } from '../../lib/domain/audit/writers.ts';
import { book } from '../../lib/domain/book/booking.ts';
import type { BookItem, BookRef } from '../../lib/domain/book/item.ts';
import type { News } from '../../lib/domain/book/news.ts';
import { type Booking, refText } from '../../lib/domain/book/seen.ts';
import type { Envelope } from '../../lib/events/envelope.ts';
import type { Book } from '../../lib/ports/book.ts';
import { newsOf } from './news-of.ts';

/** Whose audit chain it is. */
export const bookKeeper = bookKeeperWriter;

/** `unchanged`: the book said so already, and no row was written. */
export interface Booked {
  readonly result: 'booked' | 'unchanged';
  readonly attempts: number;
}

export interface BookEventOptions {
  readonly book: Book;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** 0..1, for the jitter. */
  readonly random: () => number;
}

const attemptsMax = 10;
const pauseMs = 20;
const pauseMsMax = 1_000;
/** Pointers lead to an order, an order to nothing else; more rounds are a mistake in the rules. */
const readRoundsMax = 4;

/** Others changed the same items again and again. Nothing was written. */
export class BookContentionError extends Error {
  override readonly name = 'BookContentionError';
  readonly code = 'BOOK_CONTENTION';

  constructor(id: string) {
    super(
      `BOOK_CONTENTION: Other writers were faster in ${attemptsMax} attempts to book ${id}; nothing was written. ` +
        'The event stays in its queue and is tried again. If it goes on, look at who else writes this account.',
    );
  }
}

/**
 * @throws EventNotBookedError for an event that the book does not keep; BookContentionError, BookError or the
 * service's own error when it could not be written, after which it may be tried again
 */
export async function bookEvent(
  event: Envelope,
  { book: table, nowMs, sleep, random }: BookEventOptions,
): Promise<Booked> {
  const news = newsOf(event);
  for (let attempts = 1; attempts <= attemptsMax; attempts += 1) {
    const { orderKey, writes } = await decide(news, event.account, table);
    if (writes.length === 0) return { result: 'unchanged', attempts };
    const result = await table.commit({
      account: event.account,
      writer: bookKeeper,
      cause: { kind: 'event', id: event.id, name: event.type, reason: reasonOf(news) },
      atMs: nowMs(),
      orderKey,
      writes,
    });
    if (result === 'committed') return { result: 'booked', attempts };
    // Full jitter, so that two that met do not meet again.
    if (attempts < attemptsMax) await sleep(random() * Math.min(pauseMsMax, pauseMs * 2 ** attempts));
  }
  throw new BookContentionError(event.id);
}

/** What a person said stands in the audit row itself; what the broker says is in the item. */
function reasonOf(news: News): string {
  const settled = news.kind === 'order' ? news.report.settled : undefined;
  return settled === undefined ? '' : `settled by ${settled.by}: ${settled.reason}`;
}

async function decide(news: News, account: string, table: Book): Promise<Extract<Booking, { do: 'write' }>> {
  const seen = new Map<string, BookItem | undefined>();
  for (let round = 0; round < readRoundsMax; round += 1) {
    const booking = book(news, seen);
    if (booking.do === 'write') return booking;
    const items = await table.read(account, distinct(booking.refs));
    for (const [index, ref] of distinct(booking.refs).entries()) seen.set(refText(ref), items[index]);
  }
  throw new Error(`The rules of ${news.kind} ask for items for ever; this is a mistake in lib/domain/book.`);
}

function distinct(refs: readonly BookRef[]): BookRef[] {
  return [...new Map(refs.map((ref) => [refText(ref), ref])).values()];
}

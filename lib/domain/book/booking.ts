/**
 * From one piece of news and the items that it touches to what must be written. Pure, and a join: the same news in any
 * order, any number of times, end in the same items, but for their versions. `docs/book.md` has the rules.
 */
import { bookBalance, bookPosition } from './accounts.ts';
import { bookCommission, bookFill } from './fills.ts';
import type { News } from './news.ts';
import { bookOrder } from './orders.ts';
import type { Booking, Seen } from './seen.ts';

/** What the news changes in the book, or what must be read before that can be said. */
export function book(news: News, seen: Seen): Booking {
  switch (news.kind) {
    case 'order':
      return bookOrder(news, seen);
    case 'fill':
      return bookFill(news, seen);
    case 'commission':
      return bookCommission(news, seen);
    case 'position':
      return bookPosition(news, seen);
    case 'balance':
      return bookBalance(news, seen);
  }
}

/**
 * The book with what one action changes on top. The book's own rules book into it; what it is left with are the action's
 * writes, each with the version that was read.
 */
import type { BookBody, BookItem, BookRef, BookWrite } from '../book/item.ts';
import { type Booking, refText, type Seen } from '../book/seen.ts';
import type { BookPicture } from './types.ts';

/** Pointers lead to an order, an order to nothing else; more rounds are a mistake in the rules of the book. */
const readRoundsMax = 4;

export class DraftedBook {
  readonly #account: string;
  readonly #book: BookPicture;
  readonly #seen = new Map<string, BookItem | undefined>();
  readonly #written = new Map<string, BookRef>();
  #sorted: readonly BookWrite[] | undefined;

  constructor(account: string, book: BookPicture) {
    this.#account = account;
    this.#book = book;
  }

  get seen(): Seen {
    return this.#seen;
  }

  /** Books what `rules` say of the items that they ask for. */
  book(rules: (seen: Seen) => Booking): void {
    for (let round = 0; round < readRoundsMax; round += 1) {
      const booking = rules(this.#seen);
      if (booking.do === 'write') {
        this.write(booking.writes);
        return;
      }
      this.read(booking.refs);
    }
    throw new Error('The rules of the book ask for items for ever; this is a mistake in lib/domain/book.');
  }

  read(refs: readonly BookRef[]): void {
    for (const ref of refs) this.#read(ref, refText(ref));
  }

  write(writes: readonly BookWrite[]): void {
    for (const { ref, body } of writes) this.put(ref, body as BookBody);
  }

  put(ref: BookRef, body: BookBody): void {
    const text = refText(ref);
    // The version stays the one that was read: all changes of an item become one write.
    const version = this.#read(ref, text)?.version ?? 0;
    this.#seen.set(text, { account: this.#account, ref, version, body });
    this.#written.set(text, ref);
    this.#sorted = undefined;
  }

  /** The book's pointer says this already. */
  pointsTo(ref: BookRef, orderKey: string, permId: number): boolean {
    const pointer = this.#book.pointers.get(refText(ref))?.body;
    return pointer?.orderKey === orderKey && pointer.permId === permId;
  }

  bodyOf<T>(ref: BookRef): T | undefined {
    return this.#read(ref, refText(ref))?.body as T | undefined;
  }

  /** Sorted by item. */
  get writes(): readonly BookWrite[] {
    this.#sorted ??= [...this.#written]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([text, ref]) => {
        const { version, body } = this.#seen.get(text)!;
        return { ref, expectedVersion: version, body };
      });
    return this.#sorted;
  }

  #read(ref: BookRef, text: string): BookItem | undefined {
    const known = this.#seen.get(text);
    if (known !== undefined || this.#seen.has(text)) return known;
    const stored = this.#stored(ref, text);
    this.#seen.set(text, stored);
    return stored;
  }

  #stored(ref: BookRef, text: string): BookItem | undefined {
    const stored = this.#entry(ref, text);
    return stored && { account: this.#account, ref, version: stored.version, body: stored.body as never };
  }

  #entry({ kind, id }: BookRef, text: string): { version: number; body: unknown } | undefined {
    if (kind === 'order') return this.#book.orders.get(id);
    if (kind === 'fill') return this.#book.fills.get(id);
    return this.#book.pointers.get(text);
  }
}

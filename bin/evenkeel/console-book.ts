import type { Book, BookItem, BookKind } from '../../lib/ports/book.ts';

/** Of the time, at most one part in so many goes into reading a list. */
const restShare = 20;

interface KeptList {
  readonly items: readonly BookItem[];
  readonly atMs: number;
  readonly tookMs: number;
  readonly state: string;
}

/**
 * The book for somebody who looks at it every few seconds: a list is read again only once the book has moved. Single items
 * are always read.
 */
export class WatchedBook implements Book {
  readonly #book: Book;
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, KeptList>();
  #state = '';

  /** The same for who counts what is in a list at every look: there a long one is read rarely, and may be of an earlier state. */
  readonly glance: Book;

  constructor(book: Book, nowMs: () => number) {
    this.#book = book;
    this.#nowMs = nowMs;
    const list: Book['list'] = (account, kind, prefix) => this.#list([account, kind, prefix], true);
    this.glance = { read: this.read, all: this.all, commit: this.commit, list };
  }

  /** Tells it the state of the book, by its audit chains: every change of the book moves one of them. `''`: not known. */
  isNow(state: string): void {
    this.#state = state;
  }

  read: Book['read'] = (account, refs) => this.#book.read(account, refs);

  all: Book['all'] = (account) => this.#book.all(account);

  commit: Book['commit'] = (change) => this.#book.commit(change);

  list: Book['list'] = (account, kind, prefix) => this.#list([account, kind, prefix], false);

  async *#list(
    [account, kind, prefix = '']: [account: string, kind: BookKind, prefix: string | undefined],
    mayRest: boolean,
  ): AsyncGenerator<BookItem, void, undefined> {
    const key = JSON.stringify([account, kind, prefix]);
    const kept = this.#kept.get(key);
    const now = this.#nowMs();
    // An unknown state is no state that a list could still be good for.
    const isSame = kept?.state === this.#state && this.#state !== '';
    if (kept !== undefined && (isSame || (mayRest && now - kept.atMs < kept.tookMs * restShare))) {
      yield* kept.items;
      return;
    }
    const state = this.#state;
    const items: BookItem[] = [];
    for await (const item of this.#book.list(account, kind, prefix)) items.push(item);
    const atMs = this.#nowMs();
    this.#kept.set(key, { items, atMs, tookMs: atMs - now, state });
    yield* items;
  }
}

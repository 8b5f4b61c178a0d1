import type { Intent } from '../lib/domain/orders/intent.ts';
import type { OrderBook } from './order-book.ts';
import type { OrderFates } from './order-fates.ts';
import type { OrderJournal } from './order-journal.ts';
import type { OrderTeller } from './order-teller.ts';

const RETRY_MS = 2_000;

export interface OrderRecoveryParts {
  readonly book: OrderBook;
  readonly journal: OrderJournal;
  readonly fates: OrderFates;
  readonly teller: OrderTeller;
}

/** Takes up what a run before this one recorded and did not end. What its own journal does not know has provably not left. */
export class OrderRecovery {
  readonly #parts: OrderRecoveryParts;
  /** Intents of earlier runs that are none, and were told of. */
  readonly #unreadable = new Set<string>();
  #recovered: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: OrderRecoveryParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /**
   * Once, however often it is called.
   *
   * @throws when the book does not answer; it is tried again by itself, and with the next call
   */
  recover(): Promise<void> {
    clearTimeout(this.#timer);
    this.#recovered ??= this.#recover().catch((error: unknown) => {
      this.again();
      throw error;
    });
    return this.#recovered;
  }

  /** There may be a record that nobody here knows of. */
  again(): void {
    this.#recovered = undefined;
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.recover().catch(() => undefined), RETRY_MS);
  }

  async #recover(): Promise<void> {
    const { book, journal, fates } = this.#parts;
    const { desk } = await book.read([]);
    for (const key of desk.open) {
      const intent = await this.#recorded(key);
      if (intent !== undefined) fates.takeUp(intent, 'the program ended before it could leave');
    }
    // Their end is recorded, and it may be that nobody was told.
    for (const key of journal.keys()) {
      if (desk.open.includes(key) || fates.isUnderWay(key)) continue;
      const intent = await this.#recorded(key);
      if (intent === undefined || intent.state === 'sending') continue;
      await fates.tellEnd(intent);
    }
  }

  /** Undefined where it is not there, or no intent: a person is told of that, and the others are taken up all the same. */
  async #recorded(key: string): Promise<Intent | undefined> {
    try {
      const { intents } = await this.#parts.book.read([key]);
      return intents.get(key);
    } catch (error) {
      if (!(error instanceof TypeError && error.message.startsWith('INTENT_INVALID'))) throw error;
      if (this.#unreadable.has(key)) return undefined;
      this.#unreadable.add(key);
      this.#parts.teller.unreadable(key, error.message);
      return undefined;
    }
  }
}

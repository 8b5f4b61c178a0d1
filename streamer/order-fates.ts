import { setTimeout as sleep } from 'node:timers/promises';
import type { Intent } from '../lib/domain/orders/intent.ts';
import type { OrderBook } from './order-book.ts';
import type { IntentWords, OrderDeskOptions, TradeCommand } from './order-desk-types.ts';
import type { OrderTeller } from './order-teller.ts';
import type { OrderToWrite } from './order-writer.ts';
import { SendingDriver } from './sending-driver.ts';

const SETTLE_RETRY_MS = 1_000;
const UNTOLD_MAX_MS = 60_000;
const unlinked = {
  code: 'NOT_CONNECTED',
  allowed: 'The same order with another key, once the gateway answers.',
} as const;

/**
 * Orders from their record on: the journal, the socket, and what became of them. What may have left is watched until the
 * broker says what it is; its end is written into the book, then told, then taken from the journal.
 */
export class OrderFates {
  readonly sending: SendingDriver;
  readonly #options: OrderDeskOptions;
  readonly #book: OrderBook;
  readonly #teller: OrderTeller;
  /** Intents whose end is being written. */
  readonly #ending = new Set<string>();
  /** One write of what became of orders after the other. */
  #settling: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: OrderDeskOptions, book: OrderBook, teller: OrderTeller) {
    const { view, systemMs, steadyMs = systemMs, logger } = options;
    this.#options = options;
    this.#book = book;
    this.#teller = teller;
    this.sending = new SendingDriver({
      clientId: view.clientId,
      systemMs: steadyMs,
      doubt: () => view.doubt(),
      settled: ({ intent, state, message, lacks }) => {
        if (lacks !== undefined) teller.lacking(intent, lacks);
        this.#settle(intent, { state, code: '', message, allowed: '' });
      },
      ambiguous: ({ intent, message }) => {
        logger.warn('It is not known whether an order is at the broker', { key: intent.key, message });
        teller.told(intent, 'ambiguous', { code: '', message, allowed: '' });
      },
    });
    view.listen(this.sending);
  }

  stop(): void {
    this.#stopped = true;
    this.sending.stop();
  }

  /** Resolves when what became of orders so far is written, or was tried to be. */
  async settled(): Promise<void> {
    await this.#settling;
  }

  /**
   * What never left is in no journal: until its end is told, its command stays in the queue.
   *
   * @throws when the term ends before, or the book does not take it: others wait behind the command, a cancel among them
   */
  async untilTold({ id }: TradeCommand, key: string): Promise<void> {
    const lateMs = performance.now() + UNTOLD_MAX_MS;
    for (;;) {
      await this.#settling;
      if (this.#stopped || !this.#ending.has(key)) break;
      if (performance.now() > lateMs)
        throw new Error(`ORDERS_UNTOLD: the book does not take what became of the command ${id}; it waits`);
      await sleep(SETTLE_RETRY_MS);
    }
    if (this.#stopped) throw new Error(`ORDERS_STOPPED: the command ${id} is left to the next term`);
  }

  /** From here on it may have left, whatever happens. False where it is known that not all of it has. */
  send(intent: Intent, nextOrderId: number, orders: readonly OrderToWrite[]): boolean {
    const { journal, view, mayWrite } = this.#options;
    const { ready, canClose } = view.session();
    // Which orders may leave while not all lists are whole, the gate has said in this turn.
    if (!mayWrite() || !(ready || canClose)) {
      this.neverLeft(intent, 'the link to the gateway was lost before it could leave');
      return false;
    }
    try {
      journal.begin(intent.key, nextOrderId);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.neverLeft(intent, `the disk does not take what is written before an order leaves (${why})`);
      return false;
    }
    this.sending.sent(intent);
    for (const order of orders) {
      // A link that breaks in between is told by itself, and what was written is in doubt from then on.
      if (!view.place(order)) {
        this.sending.disconnected();
        return false;
      }
    }
    return true;
  }

  /** @param why ends a sentence */
  neverLeft(
    intent: Intent,
    why: string,
    { code, allowed }: Pick<IntentWords, 'code' | 'allowed'> = unlinked,
  ): void {
    // Our own orders of the contract are cancelled before a flatten is recorded.
    const more = intent.command === 'flatten' ? ' What protected the position may have ended.' : '';
    this.#settle(intent, { state: 'denied', code, message: `It never left: ${why}.${more}`, allowed });
  }

  /** An intent that is recorded, and that nobody here is at work on. */
  takeUp(intent: Intent, why: string): void {
    const { journal, holder } = this.#options;
    if (this.isUnderWay(intent.key)) return;
    if (intent.state === 'sending' && intent.journal === holder && !journal.mayHaveLeft(intent.key))
      this.neverLeft(intent, why);
    else this.sending.recovered(intent);
  }

  isUnderWay(key: string): boolean {
    return this.sending.isWatched(key) || this.#ending.has(key);
  }

  /** Its end is recorded, and it may be that nobody was told. */
  async tellEnd(intent: Intent): Promise<void> {
    this.#teller.settled(intent);
    await this.#forget(intent.key);
  }

  /** In the background, again until it is written or the term is over: whoever comes next takes it up. */
  #settle(intent: Intent, words: IntentWords): void {
    this.#ending.add(intent.key);
    this.#settling = this.#settling.then(() => {
      if (this.#stopped) return undefined;
      // Before it is recorded: nobody looks at it again afterwards.
      if (words.state === 'unresolved') this.#teller.unresolved(intent, words.message);
      return this.#write(intent, words);
    });
  }

  /** Where it cannot be written it is tried again behind the others: one record must not keep their ends from being told. */
  async #write(intent: Intent, words: IntentWords): Promise<void> {
    if (this.#stopped) return;
    try {
      const after = await this.#book.settle(intent.key, words);
      this.#ending.delete(intent.key);
      // Nobody would hear it: the next term tells.
      if (this.#stopped) return;
      if (after !== undefined) this.#teller.settled(after);
      if (after?.state !== 'unresolved') await this.#forget(intent.key);
    } catch (error) {
      this.#options.logger.warn('What became of an order could not be written; it is tried again', {
        key: intent.key,
        error: error instanceof Error ? error.message : String(error),
      });
      void sleep(SETTLE_RETRY_MS).then(() => {
        this.#settling = this.#settling.then(() => this.#write(intent, words));
      });
    }
  }

  /** Behind what was told of it, which is on the disk with the end of the turn. What stays is told once more after a restart. */
  async #forget(key: string): Promise<void> {
    await Promise.resolve();
    try {
      this.#options.journal.end(key);
    } catch (error) {
      this.#options.logger.warn('An order that has ended stays in the journal', {
        key,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }
}

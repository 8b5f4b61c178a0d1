import type { IntentLeg } from '../lib/domain/orders/intent.ts';
import type { OrderWish, WishedLeg } from '../lib/domain/orders/order-wish.ts';
import type { DenialCode } from '../lib/domain/safety/gate-types.ts';
import type { EventData } from '../lib/events/catalogue.ts';
import { OrderBook } from './order-book.ts';
import type { Asked, OrderDeskOptions, OrdersFor, PlaceCommand, Words } from './order-desk-types.ts';
import { OrderFates } from './order-fates.ts';
import { OrderJudge } from './order-judge.ts';
import { OrderRecords } from './order-records.ts';
import { OrderRecovery } from './order-recovery.ts';
import { OrderSubmitter } from './order-submitter.ts';
import { OrderTeller } from './order-teller.ts';
import { ordersOf } from './order-writer.ts';

export type { TradeCommand } from './order-desk-types.ts';

/**
 * Sends orders, each at most once. Before anything leaves, one transaction has recorded the intent and checked flags, lock,
 * trading state and lease; then the journal on this disk; then the socket. What became of it the broker says, or its lists.
 */
export class OrderDesk {
  readonly book: OrderBook;
  readonly #options: OrderDeskOptions;
  readonly #teller: OrderTeller;
  readonly #fates: OrderFates;
  readonly #recovery: OrderRecovery;
  readonly #judge: OrderJudge;
  readonly #submitter: OrderSubmitter;

  constructor(options: OrderDeskOptions) {
    const { book, journal, streamer, token, systemMs } = options;
    this.#options = options;
    this.book = new OrderBook({ book, account: streamer.account, token, nowMs: systemMs });
    const teller = new OrderTeller(options);
    const fates = new OrderFates(options, this.book, teller);
    const recovery = new OrderRecovery({ book: this.book, journal, fates, teller });
    this.#teller = teller;
    this.#fates = fates;
    this.#recovery = recovery;
    const records = new OrderRecords(
      options,
      this.book,
      () => fates.sending.nextOrderId,
      () => recovery.again(),
    );
    const judge = new OrderJudge(options, fates.sending);
    this.#judge = judge;
    this.#submitter = new OrderSubmitter(options, {
      book: this.book,
      teller,
      fates,
      recovery,
      records,
      judge,
    });
  }

  stop(): void {
    this.#recovery.stop();
    this.#fates.stop();
  }

  /** Resolves when what became of orders so far is written, or was tried to be. */
  async settled(): Promise<void> {
    await this.#fates.settled();
  }

  /**
   * Takes up what a run before this one recorded and did not end.
   *
   * @throws when the book does not answer; it is tried again by itself, and with the next command
   */
  recover(): Promise<void> {
    return this.#recovery.recover();
  }

  /** @throws when it must be tried again */
  async place(command: PlaceCommand, signal: AbortSignal): Promise<void> {
    const wish = wishOf(command);
    const key = command.key ?? '';
    await this.submit({ key, command, wish, changed: null }, signal, (instrument, ids) =>
      ordersOf(this.#options.streamer.account, instrument, wish.legs, ids),
    );
  }

  /**
   * Gate, margin, reservation, journal, socket.
   *
   * @throws when it must be tried again
   */
  submit(
    asked: Asked,
    signal: AbortSignal,
    ordersFor: OrdersFor,
    fixedIds?: readonly IntentLeg[],
  ): Promise<void> {
    return this.#submitter.submit(asked, signal, ordersFor, fixedIds);
  }

  /**
   * Denies what was found wanting before the gate, with its record.
   *
   * @throws when it must be tried again
   */
  deny(asked: Asked, words: Words & { readonly code: DenialCode }): Promise<void> {
    return this.#submitter.deny(asked, words);
  }

  /** Whether an order with this reference has left, or may have, and the broker has not been heard of it in full. */
  isPending(orderRef: string): boolean {
    return this.#fates.sending.pending().some(({ legs }) => legs.some((leg) => leg.orderRef === orderRef));
  }

  /** Whether anything of the contract (null: of any) has left that the broker may show at any moment; without that key. */
  isLeaving(conId: number | null, key: string): boolean {
    return this.#fates.sending
      .undecided()
      .some((intent) => intent.key !== key && (conId === null || intent.conId === conId));
  }

  /** Whether what is not known of it is a change. */
  isChanging(orderRef: string): boolean {
    const changes = this.#fates.sending.pending().filter(({ command }) => command === 'modify');
    return changes.some(({ legs }) => legs.some((leg) => leg.orderRef === orderRef));
  }

  /** Whether its key is new, and the gate would let it through now, before anything is prepared for it. */
  async wouldSend(asked: Asked): Promise<boolean> {
    const { key } = asked;
    const reading = await this.book.read([key]);
    const isNew = !reading.intents.has(key) && !this.#options.journal.mayHaveLeft(key);
    return isNew && this.#judge.judge(asked, reading).verdict === 'send';
  }

  /** Tells of a command that was not carried out, without a record: the book does not answer, or nothing was asked of it. */
  tell(
    asked: Pick<Asked, 'key' | 'command'>,
    answer: EventData<'command.answered'>['answer'],
    words: Words,
  ): void {
    this.#teller.tell(asked, answer, words);
  }
}

function wishOf(command: PlaceCommand): OrderWish {
  const legs: readonly WishedLeg[] = command.type === 'place' ? [command.order] : inOrder(command.legs);
  return { command: command.type, by: command.by, conId: command.conId, legs };
}

/** The parent first: its children name it. */
function inOrder(legs: readonly WishedLeg[]): readonly WishedLeg[] {
  return [...legs.filter(({ leg }) => leg === 'entry'), ...legs.filter(({ leg }) => leg !== 'entry')];
}

import type { DeskRecord } from '../lib/domain/orders/desk-record.ts';
import { type Intent, type IntentLeg, orderRefOf } from '../lib/domain/orders/intent.ts';
import type { CommitResult } from '../lib/ports/book.ts';
import { idAfter } from './gateway-errors.ts';
import type { DeskReading, OrderBook } from './order-book.ts';
import type { Asked, IntentWords, OrderDeskOptions, TradeCommand } from './order-desk-types.ts';
import { leftWithin } from './trading-picture.ts';

const BEGUN_MAX = 1_000;

/** What is written of a command before anything of it leaves: its intent, with ids that nobody has had. */
export class OrderRecords {
  readonly #options: OrderDeskOptions;
  readonly #book: OrderBook;
  readonly #nextOrderId: () => number;
  readonly #doubted: () => void;
  /** Commands of this term that may have a record, the last of them. */
  readonly #begun = new Set<string>();

  /**
   * @param nextOrderId above every order id that the gateway has shown
   * @param doubted called where a record may be there though no answer came
   */
  constructor(options: OrderDeskOptions, book: OrderBook, nextOrderId: () => number, doubted: () => void) {
    this.#options = options;
    this.#book = book;
    this.#nextOrderId = nextOrderId;
    this.#doubted = doubted;
  }

  mayHave({ id }: TradeCommand): boolean {
    return this.#begun.has(id);
  }

  noteBegun({ id }: TradeCommand): void {
    this.#begun.add(id);
    const [oldest] = this.#begun;
    if (this.#begun.size > BEGUN_MAX && oldest !== undefined) this.#begun.delete(oldest);
  }

  /**
   * Where no answer comes, the record may be there all the same: it is looked for.
   *
   * @throws what the book answered
   */
  async reserve(
    { command }: Asked,
    reading: DeskReading,
    intent: Intent,
    desk: DeskRecord | undefined,
  ): Promise<CommitResult> {
    this.noteBegun(command);
    try {
      const cause = { name: command.type, reason: `asked by ${command.issuedBy}` };
      return await this.#book.reserve(reading, intent, desk, cause);
    } catch (error) {
      this.#doubted();
      throw error;
    }
  }

  intentOf({ command, wish }: Asked, key: string, legs: readonly IntentLeg[], words: IntentWords): Intent {
    const { view, token, holder, systemMs } = this.#options;
    return {
      key,
      commandId: command.id,
      command: command.type,
      issuedBy: command.issuedBy,
      ...words,
      conId: wish.conId,
      legs,
      wish: { by: wish.by, legs: wish.legs },
      clientId: view.clientId,
      epoch: token,
      journal: holder,
      issuedAt: command.issuedAt,
      at: new Date(systemMs()).toISOString(),
    };
  }

  /** Above every id that this client may ever have used, wherever that is known. */
  firstId({ desk }: DeskReading): number {
    const { view, journal } = this.#options;
    const used = view.living().map(({ report }) => idAfter(report?.orderId ?? 0));
    return Math.max(desk.nextOrderId, journal.nextOrderId, this.#nextOrderId(), view.nextValidId(), ...used);
  }

  idsFor({ wish }: Asked, key: string, reading: DeskReading): readonly IntentLeg[] {
    const { streamer, sha256 } = this.#options;
    const first = this.firstId(reading);
    return wish.legs.map(({ leg }, index) => ({
      leg,
      orderRef: orderRefOf(streamer.account, key, leg, sha256),
      orderId: first + index,
    }));
  }

  /** The desk's record with the id of a question that was asked: a restart must not give it to an order. */
  deskAfterQuestion({ desk }: DeskReading): DeskRecord {
    return { ...desk, nextOrderId: Math.max(desk.nextOrderId, this.#options.view.nextValidId()) };
  }

  /** The desk's record with an intent that is about to leave; above the ids of questions as well. */
  deskWith(reading: DeskReading, { key, legs }: Intent): DeskRecord {
    const { systemMs, worth } = this.#options;
    const desk = this.deskAfterQuestion(reading);
    return {
      nextOrderId: Math.max(desk.nextOrderId, ...legs.map(({ orderId }) => orderId + 1)),
      open: [...desk.open, key],
      leftAtMs: leftWithin(desk.leftAtMs, systemMs(), legs.length),
      value: worth.day(desk.value) ?? null,
    };
  }
}

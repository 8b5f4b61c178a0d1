import type { Intent, IntentLeg } from '../lib/domain/orders/intent.ts';
import type { Denial, DenialCode, GateVerdict } from '../lib/domain/safety/gate-types.ts';
import { marginDenial } from '../lib/domain/safety/margin.ts';
import type { DeskReading, OrderBook } from './order-book.ts';
import type {
  Asked,
  IntentWords,
  OrderDeskOptions,
  OrdersFor,
  TradeCommand,
  Words,
} from './order-desk-types.ts';
import type { OrderFates } from './order-fates.ts';
import type { OrderJudge } from './order-judge.ts';
import type { OrderRecords } from './order-records.ts';
import type { OrderRecovery } from './order-recovery.ts';
import type { OrderTeller } from './order-teller.ts';
import { type OrderToWrite, OrderWriteError } from './order-writer.ts';
import { Patience } from './patience.ts';
import { earlierOf, keysOf } from './submission-keys.ts';
import { waitingMs } from './waiting-time.ts';

/** What the gate lets through, as it would be written. */
interface Prepared {
  readonly legs: readonly IntentLeg[];
  readonly orders: readonly OrderToWrite[];
  /** What the broker is to be asked before it leaves; undefined for nothing. */
  readonly question: OrderToWrite | undefined;
}

export interface OrderSubmitterParts {
  readonly book: OrderBook;
  readonly teller: OrderTeller;
  readonly fates: OrderFates;
  readonly recovery: OrderRecovery;
  readonly records: OrderRecords;
  readonly judge: OrderJudge;
}

const CONFLICTS_MAX = 20;
/** What a sender's clock may be away from ours. */
const CLOCKS_MS = 2_000;
/** Answers of the broker, the book or the gate that pass by themselves: nothing of the order has left. */
const passing: ReadonlySet<DenialCode> = new Set(['NOT_CONNECTED']);

/** Takes one submission through gate, margin and reservation, again where what it rests on has changed meanwhile. */
export class OrderSubmitter {
  readonly #options: OrderDeskOptions;
  readonly #parts: OrderSubmitterParts;
  readonly #sinceMs: number;

  constructor(options: OrderDeskOptions, parts: OrderSubmitterParts) {
    this.#options = options;
    this.#parts = parts;
    this.#sinceMs = options.systemMs();
  }

  /**
   * Gate, margin, reservation, journal, socket.
   *
   * @throws when it must be tried again
   */
  async submit(
    asked: Asked,
    signal: AbortSignal,
    ordersFor: OrdersFor,
    fixedIds?: readonly IntentLeg[],
  ): Promise<void> {
    const { command } = asked;
    const { sha256, systemMs, steadyMs = systemMs, view } = this.#options;
    const waitMs = waitingMs(command.validUntil, systemMs());
    const waitUntilMs = systemMs() + waitMs;
    const patience = new Patience(waitMs, steadyMs);
    let isTold = false;
    /** What the broker said of it; forgotten in every pause, because the account moves on. */
    let margin: { readonly denial: Denial | undefined } | undefined;
    let hasAsked = false;
    for (let conflicts = 0; conflicts < CONFLICTS_MAX; ) {
      const { key, keys } = keysOf(asked, sha256);
      let reading: DeskReading;
      try {
        await this.#parts.recovery.recover();
        reading = await this.#parts.book.read(keys);
      } catch (error) {
        if (!isTold) this.#tellHeld(command, error, waitUntilMs);
        isTold = true;
        if (patience.isOver) {
          this.#tellUnreadable(asked, key, error);
          return;
        }
        margin = undefined;
        await patience.pause(signal);
        continue;
      }
      const earlier = earlierOf(asked, key, reading);
      if (earlier !== undefined) {
        await this.#again(asked, earlier);
        return;
      }
      if (this.#options.journal.mayHaveLeft(key)) {
        if (await this.#recordNotSent(asked, key, reading, forgottenWords(key))) return;
        conflicts += 1;
        continue;
      }
      const verdict = this.#parts.judge.judge(asked, reading);
      if (verdict.verdict === 'deny' && passing.has(verdict.code) && patience.lasts) {
        margin = undefined;
        await patience.pause(signal);
        continue;
      }
      const prepared =
        verdict.verdict === 'send'
          ? this.#prepare(asked, key, reading, ordersFor, fixedIds)
          : wordsOf(verdict);
      let words = 'state' in prepared ? prepared : undefined;
      if ('question' in prepared && prepared.question !== undefined) {
        if (margin === undefined) {
          hasAsked = true;
          margin = { denial: marginDenial(await view.askMargin(prepared.question)) };
          signal.throwIfAborted();
          // Time has passed: everything else is looked at once more.
          continue;
        }
        if (margin.denial !== undefined) words = wordsOf(margin.denial);
      }
      const isDone =
        words === undefined
          ? await this.#leave(asked, key, reading, prepared as Prepared, ordersFor)
          : await this.#recordNotSent(asked, key, reading, words, hasAsked);
      if (isDone) return;
      conflicts += 1;
    }
    throw contention(command);
  }

  /**
   * Denies what was found wanting before the gate, with its record: the same command is not carried out later.
   *
   * @throws when it must be tried again
   */
  async deny(asked: Asked, words: Words & { readonly code: DenialCode }): Promise<void> {
    await this.#parts.recovery.recover();
    for (let conflicts = 0; conflicts < CONFLICTS_MAX; conflicts += 1) {
      const reading = await this.#parts.book.read([asked.key]);
      const earlier = earlierOf(asked, asked.key, reading);
      if (earlier !== undefined) {
        await this.#again(asked, earlier);
        return;
      }
      if (await this.#recordNotSent(asked, asked.key, reading, { state: 'denied', ...words })) return;
    }
    throw contention(asked.command);
  }

  /** What would be written; or, of numbers that cannot be, the denial. */
  #prepare(
    asked: Asked,
    key: string,
    reading: DeskReading,
    ordersFor: OrdersFor,
    fixedIds: readonly IntentLeg[] | undefined,
  ): Prepared | IntentWords {
    const legs = fixedIds ?? this.#parts.records.idsFor(asked, key, reading);
    const instrument = this.#options.view.line(asked.wish.conId)!.instrument!;
    try {
      const orders = ordersFor(instrument, legs);
      // An id that the order will not have: those of the order are taken once the question is answered.
      const question = this.#parts.judge.question(
        asked,
        reading,
        instrument,
        this.#parts.records.firstId(reading),
      );
      return { legs, orders, question };
    } catch (error) {
      if (!(error instanceof OrderWriteError)) throw error;
      return { state: 'denied', code: 'PRICE_INVALID', message: error.message, allowed: 'fewer digits' };
    }
  }

  /** Records it, and lets it go. False where something of what was read has changed since: nothing has left. */
  async #leave(
    asked: Asked,
    key: string,
    reading: DeskReading,
    { legs, orders }: Prepared,
    ordersFor: OrdersFor,
  ): Promise<boolean> {
    const { command } = asked;
    const { logger } = this.#options;
    const intent = this.#parts.records.intentOf(asked, key, legs, {
      state: 'sending',
      code: '',
      message: 'Recorded; it may have left.',
      allowed: '',
    });
    const desk = this.#parts.records.deskWith(reading, intent);
    const beganMs = performance.now();
    if ((await this.#parts.records.reserve(asked, reading, intent, desk)) === 'conflict') return false;
    const reservationMs = Math.round((performance.now() - beganMs) * 10) / 10;
    const turned = this.#turned(asked, reading, legs, ordersFor);
    if (turned !== undefined) {
      const why = `by the time it was recorded the answer had become another: ${turned.message.replace(/\.$/, '')}`;
      this.#parts.fates.neverLeft(intent, why, turned);
      await this.#parts.fates.untilTold(command, key);
    } else if (this.#parts.fates.send(intent, desk.nextOrderId, orders)) {
      const ids = legs.map(({ leg, orderId }) => `${leg} ${orderId}`);
      logger.info('Order sent', { key: intent.key, orders: ids, reservationMs });
    } else await this.#parts.fates.untilTold(command, key);
    return true;
  }

  /**
   * What speaks against it by now. The transaction has checked what the book says; what the broker and the market say may
   * have become another while it took its time: a closing order for a position that is gone would open one.
   */
  #turned(
    asked: Asked,
    reading: DeskReading,
    legs: readonly IntentLeg[],
    ordersFor: OrdersFor,
  ): (Words & { readonly code: DenialCode }) | undefined {
    const verdict = this.#parts.judge.judge(asked, reading);
    if (verdict.verdict === 'deny') return verdict;
    try {
      ordersFor(this.#options.view.line(asked.wish.conId)!.instrument!, legs);
      return undefined;
    } catch (error) {
      // Without the code of an error that is tried again: this is not.
      const message = (error instanceof Error ? error.message : String(error)).replace(/^[A-Z_]+: /, '');
      // Under this key it cannot begin anew: the record stands.
      return { code: 'ORDER_UNKNOWN', message, allowed: 'The same with another key, sent anew.' };
    }
  }

  /** False where something of what was read has changed since. The id of a question that was asked is recorded with it. */
  async #recordNotSent(
    asked: Asked,
    key: string,
    reading: DeskReading,
    words: IntentWords,
    hasAsked = false,
  ): Promise<boolean> {
    const intent = this.#parts.records.intentOf(asked, key, [], words);
    const desk = hasAsked ? this.#parts.records.deskAfterQuestion(reading) : undefined;
    if ((await this.#parts.records.reserve(asked, reading, intent, desk)) === 'conflict') return false;
    this.#parts.teller.notSent(intent);
    return true;
  }

  /** The same command once more is answered as before; another one with the same key is a double click. */
  async #again({ command }: Asked, earlier: Intent): Promise<void> {
    this.#parts.records.noteBegun(command);
    if (earlier.commandId !== command.id) {
      this.#parts.teller.duplicate(command, earlier);
      return;
    }
    if (earlier.state === 'sending') {
      this.#parts.fates.takeUp(earlier, 'the answer to its record was lost');
      await this.#parts.fates.untilTold(command, earlier.key);
    }
    this.#parts.teller.toldAgain(earlier);
  }

  /** Not "send it again": that would be a second order beside this one, which may still leave. */
  #tellHeld(command: TradeCommand, error: unknown, untilMs: number): void {
    const allowed = `It is tried again until ${new Date(untilMs).toISOString()}.`;
    this.#parts.teller.blocked(command, { ...unreadableWords(error), allowed });
  }

  /**
   * A denial that cannot be recorded is told only when nobody may carry the command out any more.
   *
   * @throws what the book answered, where a record that was made before may say something else
   */
  #tellUnreadable({ command }: Asked, key: string, error: unknown): void {
    const isNew =
      this.#options.mayWrite() &&
      !this.#parts.records.mayHave(command) &&
      !this.#parts.fates.isUnderWay(key) &&
      Date.parse(command.issuedAt) > this.#sinceMs + CLOCKS_MS;
    if (!isNew) throw error;
    this.#parts.teller.tell({ key, command }, 'denied', unreadableWords(error));
  }
}

function contention({ id }: TradeCommand): Error {
  return new Error(
    `ORDERS_CONTENTION: the command ${id} met ${CONFLICTS_MAX} changes of flags, lock or other orders, or the lease is lost; nothing was sent`,
  );
}

/** The record comes before the journal: where only the journal is left, the book is one from before the order. */
function forgottenWords(key: string): IntentWords {
  return {
    state: 'denied',
    code: 'DUPLICATE',
    message: `An order with the key ${key} has left this streamer before, and the book has no record of it: it was restored from before, or lost it.`,
    allowed: 'Another key, once TWS and `evenkeel orders` show what became of the first one.',
  };
}

function wordsOf(verdict: Exclude<GateVerdict, { verdict: 'send' }>): IntentWords {
  if (verdict.verdict === 'would-send')
    return { state: 'would-send', code: '', message: verdict.message, allowed: '' };
  const { code, message, allowed } = verdict;
  return { state: 'denied', code, message, allowed };
}

function unreadableWords(error: unknown): Words {
  const why = error instanceof Error ? error.message : String(error);
  return {
    code: 'FLAGS_UNREADABLE',
    message: `The book does not say what the flags are (${why}): that counts as SAFE_MODE, and nothing leaves.`,
    allowed: 'The same command again once the book answers.',
  };
}

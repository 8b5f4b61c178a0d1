import { setTimeout as sleep } from 'node:timers/promises';
import type { Config, StreamerConfig } from '../config/schema.ts';
import type { Instrument } from '../lib/domain/market/instrument.ts';
import type { DeskRecord } from '../lib/domain/orders/desk-record.ts';
import { type Intent, type IntentLeg, orderRefOf } from '../lib/domain/orders/intent.ts';
import type { OrderWish, WishedLeg } from '../lib/domain/orders/order-wish.ts';
import { canTrade } from '../lib/domain/safety/gate.ts';
import type { DenialCode, GateVerdict } from '../lib/domain/safety/gate-types.ts';
import { isSameSubmission, signatureKeys, submissionOf } from '../lib/domain/safety/submission.ts';
import type { EventData } from '../lib/events/catalogue.ts';
import type { Command } from '../lib/events/command.ts';
import type { Book, CommitResult } from '../lib/ports/book.ts';
import type { AccountWorth } from './account-worth.ts';
import type { Logger } from './logger.ts';
import { type DeskReading, OrderBook } from './order-book.ts';
import type { OrderJournal } from './order-journal.ts';
import { type OrderToWrite, OrderWriteError, ordersOf } from './order-writer.ts';
import { SendingDriver } from './sending-driver.ts';
import { type ChangedOrder, leftWithin, type PictureHost, takePicture } from './trading-picture.ts';
import type { TradingView } from './trading-view.ts';

export type PlaceCommand = Extract<Command, { type: 'place' | 'place-bracket' }>;
export type TradeCommand = Exclude<Command, { type: 'snapshot' }>;

export interface OrderDeskOptions {
  readonly config: Config;
  readonly streamer: StreamerConfig;
  readonly view: TradingView;
  readonly book: Book;
  readonly journal: OrderJournal;
  /** Id of the journal's file. */
  readonly holder: string;
  readonly token: number;
  readonly mayWrite: () => boolean;
  readonly answer: (answer: EventData<'command.answered'>) => void;
  readonly raise: (alert: EventData<'alert.raised'>) => void;
  readonly logger: Logger;
  readonly systemMs: () => number;
  /** Hexadecimal. */
  readonly sha256: (text: string) => string;
  readonly worth: AccountWorth;
}

/** What of a command goes into its intent. */
export interface Asked {
  readonly key: string;
  readonly command: TradeCommand;
  readonly wish: OrderWish;
  /** The order that is to be changed; null for new ones. */
  readonly changed: ChangedOrder | null;
}

const CONFLICTS_MAX = 20;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 4_000;
/** For the gateway or the book to come back. */
const WAIT_MAX_MS = 60_000;
const SETTLE_RETRY_MS = 1_000;
const RECOVER_RETRY_MS = 2_000;
/** What a sender's clock may be away from ours. */
const CLOCKS_MS = 2_000;
const BEGUN_MAX = 1_000;
/** Orders whose fate is not known; with so many of them something is wrong that more orders do not cure. */
const UNKNOWN_MAX = 200;
/** Answers of the broker, the book or the gate that pass by themselves: nothing of the order has left. */
const passing: ReadonlySet<DenialCode> = new Set(['NOT_CONNECTED']);

/**
 * Sends orders, each at most once. Before anything leaves, one transaction has recorded the intent and checked flags, lock,
 * trading state and lease; then the journal on this disk; then the socket. What became of it the broker says, or its lists.
 */
export class OrderDesk {
  readonly book: OrderBook;
  readonly #options: OrderDeskOptions;
  readonly #picture: PictureHost;
  readonly #sending: SendingDriver;
  readonly #sinceMs: number;
  /** Commands of this term that may have a record, the last of them. */
  readonly #begun = new Set<string>();
  /** Intents whose end is being written. */
  readonly #ending = new Set<string>();
  /** Intents of earlier runs that are none, and were told of. */
  readonly #unreadable = new Set<string>();
  #recovered: Promise<void> | undefined;
  #recoverTimer: NodeJS.Timeout | undefined;
  /** One write of what became of orders after the other. */
  #settling: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: OrderDeskOptions) {
    const { book, streamer, token, systemMs, view } = options;
    this.#options = options;
    this.#picture = options;
    this.#sinceMs = systemMs();
    this.book = new OrderBook({ book, account: streamer.account, token, nowMs: systemMs });
    this.#sending = new SendingDriver({
      clientId: view.clientId,
      systemMs,
      doubt: () => view.doubt(),
      settled: ({ intent, state, message, lacks }) => {
        if (lacks !== undefined) this.#raiseLacking(intent, lacks);
        this.#settle(intent, { state, code: '', message, allowed: '' });
      },
      ambiguous: ({ intent, message }) => {
        options.logger.warn('It is not known whether an order is at the broker', {
          key: intent.key,
          message,
        });
        options.answer(answerOf(intent, 'ambiguous', { code: '', message, allowed: '' }));
      },
    });
    view.listen(this.#sending);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#recoverTimer);
    this.#sending.stop();
  }

  /** Resolves when what became of orders so far is written, or cannot be. */
  async settled(): Promise<void> {
    await this.#settling;
  }

  /**
   * Takes up what a run before this one recorded and did not end. What its own journal does not know has provably not left.
   *
   * @throws when the book does not answer; it is tried again by itself, and with the next command
   */
  recover(): Promise<void> {
    clearTimeout(this.#recoverTimer);
    this.#recovered ??= this.#recover().catch((error: unknown) => {
      this.#recoverAgain();
      throw error;
    });
    return this.#recovered;
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
   * Gate, reservation, journal, socket.
   *
   * @param ordersFor what is written to the gateway, in this order
   * @throws when it must be tried again
   */
  async submit(
    asked: Asked,
    signal: AbortSignal,
    ordersFor: (instrument: Instrument, ids: readonly IntentLeg[]) => readonly OrderToWrite[],
    fixedIds?: readonly IntentLeg[],
  ): Promise<void> {
    const { command } = asked;
    const { systemMs, view } = this.#options;
    const validUntilMs = Date.parse(command.validUntil);
    // Whatever its sender wrote: behind it wait others, a person's cancel among them.
    const waitUntilMs = Math.min(validUntilMs, systemMs() + WAIT_MAX_MS);
    let pauseMs = RETRY_FIRST_MS;
    let isTold = false;
    for (let conflicts = 0; conflicts < CONFLICTS_MAX; ) {
      const { key, keys } = this.#keysOf(asked);
      let reading: DeskReading;
      try {
        await this.recover();
        reading = await this.book.read(keys);
      } catch (error) {
        // Not "send it again": that would be a second order beside this one, which may still leave.
        const allowed = `It is tried again until ${new Date(waitUntilMs).toISOString()}.`;
        if (!isTold) this.blocked(command, { ...unreadableWords(error), allowed });
        isTold = true;
        if (systemMs() > waitUntilMs) {
          this.#tellUnreadable(asked, key, error);
          return;
        }
        await sleep(Math.min(pauseMs, waitUntilMs - systemMs() + 1), undefined, { signal });
        pauseMs = Math.min(RETRY_MAX_MS, 2 * pauseMs);
        continue;
      }
      const earlier = this.#earlier(asked, key, reading);
      if (earlier !== undefined) {
        await this.#again(asked, earlier);
        return;
      }
      const verdict = this.#judge(asked, reading);
      const mayPass = verdict.verdict === 'deny' && passing.has(verdict.code);
      if (mayPass && systemMs() + pauseMs < waitUntilMs) {
        await sleep(pauseMs, undefined, { signal });
        pauseMs = Math.min(RETRY_MAX_MS, 2 * pauseMs);
        continue;
      }
      if (verdict.verdict !== 'send') {
        if (await this.#recordNotSent(asked, key, reading, wordsOf(verdict))) return;
        conflicts += 1;
        continue;
      }
      const legs = fixedIds ?? this.#idsFor(asked, key, reading);
      const { instrument } = view.line(asked.wish.conId)!;
      let orders: readonly OrderToWrite[];
      try {
        orders = ordersFor(instrument!, legs);
      } catch (error) {
        if (!(error instanceof OrderWriteError)) throw error;
        const words = {
          state: 'denied',
          code: 'PRICE_INVALID',
          message: error.message,
          allowed: 'fewer digits',
        } as const;
        if (await this.#recordNotSent(asked, key, reading, words)) return;
        conflicts += 1;
        continue;
      }
      const intent = this.#intentOf(asked, key, legs, {
        state: 'sending',
        code: '',
        message: 'Recorded; it may have left.',
        allowed: '',
      });
      const desk = {
        nextOrderId: Math.max(reading.desk.nextOrderId, ...legs.map(({ orderId }) => orderId + 1)),
        open: [...reading.desk.open, key],
        leftAtMs: leftWithin(reading.desk.leftAtMs, systemMs(), legs.length),
        value: this.#options.worth.day(reading.desk.value) ?? null,
      };
      const beganMs = performance.now();
      if ((await this.#reserve(asked, reading, intent, desk)) === 'conflict') {
        conflicts += 1;
        continue;
      }
      const reservationMs = Math.round((performance.now() - beganMs) * 10) / 10;
      if (systemMs() > validUntilMs) {
        this.#neverLeft(intent, `it was valid until ${command.validUntil}, and recorded later`, 'EXPIRED');
        await this.#untilTold(command);
        return;
      }
      if (this.#write(intent, desk.nextOrderId, orders)) {
        const ids = legs.map(({ leg, orderId }) => `${leg} ${orderId}`);
        this.#options.logger.info('Order sent', { key: intent.key, orders: ids, reservationMs });
      } else await this.#untilTold(command);
      return;
    }
    throw contention(command);
  }

  /**
   * Denies what was found wanting before the gate, with its record: the same command is not carried out later.
   *
   * @throws when it must be tried again
   */
  async deny(asked: Asked, words: Words & { readonly code: DenialCode }): Promise<void> {
    await this.recover();
    for (let conflicts = 0; conflicts < CONFLICTS_MAX; conflicts += 1) {
      const reading = await this.book.read([asked.key]);
      const earlier = this.#earlier(asked, asked.key, reading);
      if (earlier !== undefined) {
        await this.#again(asked, earlier);
        return;
      }
      if (await this.#recordNotSent(asked, asked.key, reading, { state: 'denied', ...words })) return;
    }
    throw contention(asked.command);
  }

  /** Whether an order with this reference has left, or may have, and the broker has not been heard of it in full. */
  isPending(orderRef: string): boolean {
    return this.#sending.pending().some(({ legs }) => legs.some((leg) => leg.orderRef === orderRef));
  }

  /** Whether anything of the contract (null: of any) has left that the broker may show at any moment; without that key. */
  isLeaving(conId: number | null, key: string): boolean {
    return this.#sending
      .undecided()
      .some((intent) => intent.key !== key && (conId === null || intent.conId === conId));
  }

  /** Whether what is not known of it is a change. */
  isChanging(orderRef: string): boolean {
    const changes = this.#sending.pending().filter(({ command }) => command === 'modify');
    return changes.some(({ legs }) => legs.some((leg) => leg.orderRef === orderRef));
  }

  /** Whether the gate would let it through now, before anything is prepared for it. */
  async wouldSend(asked: Asked): Promise<boolean> {
    const reading = await this.book.read([asked.key]);
    return !reading.intents.has(asked.key) && this.#judge(asked, reading).verdict === 'send';
  }

  /** Tells of a command that was not carried out, without a record: the book does not answer, or nothing was asked of it. */
  tell(
    asked: Pick<Asked, 'key' | 'command'>,
    answer: EventData<'command.answered'>['answer'],
    words: Words,
  ): void {
    const { command, key } = asked;
    this.#options.answer({
      commandId: command.id,
      command: command.type,
      issuedBy: command.issuedBy,
      key,
      answer,
      ...words,
      orders: [],
    });
  }

  /** Where no answer comes, the record may be there all the same: it is looked for. */
  async #reserve(
    asked: Asked,
    reading: DeskReading,
    intent: Intent,
    desk: DeskRecord | undefined,
  ): Promise<CommitResult> {
    this.#noteBegun(asked.command);
    try {
      return await this.book.reserve(reading, intent, desk, causeOf(asked));
    } catch (error) {
      this.#recoverAgain();
      throw error;
    }
  }

  /** False where something of what was read has changed since. */
  async #recordNotSent(
    asked: Asked,
    key: string,
    reading: DeskReading,
    words: Pick<Intent, 'state' | 'code' | 'message' | 'allowed'>,
  ): Promise<boolean> {
    const intent = this.#intentOf(asked, key, [], words);
    if ((await this.#reserve(asked, reading, intent, undefined)) === 'conflict') return false;
    this.#answerNotSent(intent);
    return true;
  }

  /** From here on it may have left, whatever happens. False where it is known that not all of it has. */
  #write(intent: Intent, nextOrderId: number, orders: readonly OrderToWrite[]): boolean {
    const { journal, view, mayWrite } = this.#options;
    if (!mayWrite() || !view.session().ready) {
      this.#neverLeft(intent, 'the link to the gateway was lost before it could leave');
      return false;
    }
    try {
      journal.begin(intent.key, nextOrderId);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#neverLeft(intent, `the disk does not take what is written before an order leaves (${why})`);
      return false;
    }
    this.#sending.sent(intent);
    for (const order of orders) {
      // A link that breaks in between is told by itself, and what was written is in doubt from then on.
      if (!view.place(order)) {
        this.#sending.disconnected();
        return false;
      }
    }
    return true;
  }

  /**
   * What never left is in no journal: until its end is told, its command stays in the queue.
   *
   * @throws when the term ends before
   */
  async #untilTold({ id }: TradeCommand): Promise<void> {
    await this.settled();
    if (this.#stopped) throw new Error(`ORDERS_STOPPED: the command ${id} is left to the next term`);
  }

  #neverLeft(intent: Intent, why: string, code: 'NOT_CONNECTED' | 'EXPIRED' = 'NOT_CONNECTED'): void {
    this.#settle(intent, {
      state: 'denied',
      code,
      message: `It never left: ${why}.`,
      allowed: 'The same order with another key, once the gateway answers.',
    });
  }

  #judge({ wish, command, changed }: Asked, reading: DeskReading): GateVerdict {
    if (this.#options.systemMs() > Date.parse(command.validUntil)) {
      return {
        verdict: 'deny',
        code: 'EXPIRED',
        message: `It was valid until ${command.validUntil}.`,
        allowed: 'The same order with another key, sent anew.',
      };
    }
    const pending = this.#sending.pending();
    if (pending.length >= UNKNOWN_MAX || reading.desk.open.length >= UNKNOWN_MAX) {
      const unknown = Math.max(pending.length, reading.desk.open.length);
      return {
        verdict: 'deny',
        code: 'MAX_OPEN_ORDERS',
        message: `Of ${unknown} orders nobody knows whether the broker has them.`,
        allowed: 'Orders again once that is settled: look for them in TWS, then start the streamer anew.',
      };
    }
    return canTrade(takePicture(this.#picture, reading, { wish, changed, pending }), wish);
  }

  /** Its own key and those that must be looked at with it. */
  #keysOf({ key, command, wish }: Asked): { key: string; keys: readonly string[] } {
    if (key !== '') return { key, keys: [key] };
    const { own, neighbours } = signatureKeys(
      // Not by its symbol: before the contract is known it has none, and one command would have two keys.
      submissionOf(String(wish.conId), wish.legs),
      Date.parse(command.issuedAt),
      this.#options.sha256,
    );
    return { key: own, keys: [own, ...neighbours] };
  }

  /** The intent that this command repeats; undefined for a new one. */
  #earlier({ key, command }: Asked, ownKey: string, { intents }: DeskReading): Intent | undefined {
    const own = intents.get(ownKey);
    if (own !== undefined || key !== '') return own;
    return [...intents.values()].find((intent) =>
      isSameSubmission(Date.parse(intent.issuedAt), Date.parse(command.issuedAt)),
    );
  }

  /** The same command once more is answered as before; another one with the same key is a double click. */
  async #again(asked: Asked, earlier: Intent): Promise<void> {
    const { command } = asked;
    this.#noteBegun(command);
    if (earlier.commandId === command.id) {
      if (earlier.state === 'sending') {
        this.#takeUp(earlier, 'the answer to its record was lost');
        await this.#untilTold(command);
      }
      if (earlier.state === 'denied' || earlier.state === 'would-send' || earlier.state === 'rejected')
        this.#options.answer(answerOf(earlier, earlier.state, earlier));
      else if (earlier.state === 'sent') this.#options.answer(answerOf(earlier, 'accepted', earlier));
      return;
    }
    const message = `The command ${command.id} of ${command.issuedBy} repeats the order with the key ${earlier.key}, which is ${earlier.state} since ${earlier.issuedAt}. Nothing was sent.`;
    this.#options.raise({
      alert: 'duplicate_submission_blocked',
      severity: 'INFO',
      subject: `intent ${earlier.key}`,
      message,
    });
    this.tell({ key: earlier.key, command }, 'denied', {
      code: 'DUPLICATE',
      message,
      allowed: 'Another key, where a second order is wanted.',
    });
  }

  /**
   * A denial that cannot be recorded is told only when nobody may carry the command out any more.
   *
   * @throws what the book answered, where a record that was made before may say something else
   */
  #tellUnreadable({ command }: Asked, key: string, error: unknown): void {
    const isNew =
      this.#options.mayWrite() &&
      !this.#begun.has(command.id) &&
      !this.#isUnderWay(key) &&
      Date.parse(command.issuedAt) > this.#sinceMs + CLOCKS_MS;
    if (!isNew) throw error;
    this.tell({ key, command }, 'denied', unreadableWords(error));
  }

  #noteBegun({ id }: TradeCommand): void {
    this.#begun.add(id);
    const [oldest] = this.#begun;
    if (this.#begun.size > BEGUN_MAX && oldest !== undefined) this.#begun.delete(oldest);
  }

  blocked(command: TradeCommand, { message, allowed }: Words): void {
    this.#options.raise({
      alert: 'order_blocked_safe_mode',
      severity: 'INFO',
      subject: `command ${command.id}`,
      message: `${command.type} of ${command.issuedBy} is held back. ${message} ${allowed}`,
    });
  }

  #answerNotSent(intent: Intent): void {
    const { raise, answer } = this.#options;
    if (intent.code === 'SAFE_MODE' || intent.code === 'FLAGS_UNREADABLE') {
      raise({
        alert: 'order_blocked_safe_mode',
        severity: 'INFO',
        subject: `intent ${intent.key}`,
        message: `${intent.command} of ${intent.issuedBy} was not carried out. ${intent.message} ${intent.allowed}`,
      });
    }
    answer(answerOf(intent, intent.state === 'would-send' ? 'would-send' : 'denied', intent));
  }

  /** Above every id that this client may ever have used, wherever that is known. */
  #idsFor({ wish }: Asked, key: string, { desk }: DeskReading): readonly IntentLeg[] {
    const { view, journal, streamer, sha256 } = this.#options;
    const used = view.living().map(({ report }) => (report?.orderId ?? 0) + 1);
    const { nextOrderId } = this.#sending;
    const first = Math.max(desk.nextOrderId, journal.nextOrderId, nextOrderId, view.nextValidId(), ...used);
    return wish.legs.map(({ leg }, index) => ({
      leg,
      orderRef: orderRefOf(streamer.account, key, leg, sha256),
      orderId: first + index,
    }));
  }

  #intentOf(
    { command, wish }: Asked,
    key: string,
    legs: readonly IntentLeg[],
    words: Pick<Intent, 'state' | 'code' | 'message' | 'allowed'>,
  ): Intent {
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

  async #recover(): Promise<void> {
    const { journal } = this.#options;
    const { desk } = await this.book.read([]);
    for (const key of desk.open) {
      const intent = await this.#recorded(key);
      if (intent !== undefined) this.#takeUp(intent, 'the program ended before it could leave');
    }
    // Their end is recorded, and it may be that nobody was told.
    for (const key of journal.keys()) {
      if (desk.open.includes(key) || this.#isUnderWay(key)) continue;
      const intent = await this.#recorded(key);
      if (intent === undefined || intent.state === 'sending') continue;
      this.#tellSettled(intent);
      await this.#forget(key);
    }
  }

  /** Undefined where it is not there, or no intent: a person is told of that, and the others are taken up all the same. */
  async #recorded(key: string): Promise<Intent | undefined> {
    try {
      const { intents } = await this.book.read([key]);
      return intents.get(key);
    } catch (error) {
      if (!(error instanceof TypeError && error.message.startsWith('INTENT_INVALID'))) throw error;
      if (this.#unreadable.has(key)) return undefined;
      this.#unreadable.add(key);
      this.#options.raise({
        alert: 'order_unresolved',
        severity: 'CRITICAL',
        subject: `intent ${key}`,
        message: `What the book has of the order with the key ${key} cannot be read (${error.message}): whether it left is not known here, and nothing leaves under that key. Look in TWS for it, and restore the item from the audit trail.`,
      });
      return undefined;
    }
  }

  #recoverAgain(): void {
    this.#recovered = undefined;
    clearTimeout(this.#recoverTimer);
    if (this.#stopped) return;
    this.#recoverTimer = setTimeout(() => void this.recover().catch(() => undefined), RECOVER_RETRY_MS);
  }

  /** An intent that is recorded, and that nobody here is at work on. */
  #takeUp(intent: Intent, why: string): void {
    const { journal, holder } = this.#options;
    if (this.#isUnderWay(intent.key)) return;
    if (intent.state === 'sending' && intent.journal === holder && !journal.mayHaveLeft(intent.key))
      this.#neverLeft(intent, why);
    else this.#sending.recovered(intent);
  }

  #isUnderWay(key: string): boolean {
    return this.#sending.isWatched(key) || this.#ending.has(key);
  }

  /** In the background, again until it is written or the term is over: whoever comes next takes it up. */
  #settle(intent: Intent, words: Pick<Intent, 'state' | 'code' | 'message' | 'allowed'>): void {
    this.#ending.add(intent.key);
    this.#settling = this.#settling.then(async () => {
      if (this.#stopped) return;
      // Before it is recorded: nobody looks at it again afterwards.
      if (words.state === 'unresolved') this.#raiseUnresolved(intent, words.message);
      while (!this.#stopped) {
        try {
          const after = await this.book.settle(intent.key, words);
          this.#ending.delete(intent.key);
          // Nobody would hear it: the next term tells.
          if (this.#stopped) return;
          if (after !== undefined) this.#tellSettled(after);
          if (after?.state !== 'unresolved') await this.#forget(intent.key);
          return;
        } catch (error) {
          this.#options.logger.warn('What became of an order could not be written; it is tried again', {
            key: intent.key,
            error: error instanceof Error ? error.message : String(error),
          });
          await sleep(SETTLE_RETRY_MS);
        }
      }
    });
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

  #raiseLacking({ key, command, issuedBy }: Intent, lacks: readonly string[]): void {
    this.#options.raise({
      alert: 'order_partly_refused',
      severity: 'CRITICAL',
      subject: `intent ${key}`,
      message: `Of the ${command} of ${issuedBy} with the key ${key} the broker refused ${lacks.join('; ')}, and has the rest: what that fills may be unprotected. Cancel the rest, or place what is missing: \`evenkeel orders\`.`,
    });
  }

  #raiseUnresolved({ key, command, issuedBy }: Intent, message: string): void {
    this.#options.raise({
      alert: 'order_unresolved',
      severity: 'CRITICAL',
      subject: `intent ${key}`,
      message: `The ${command} of ${issuedBy} with the key ${key} left, and the broker does not have it. ${message}`,
    });
  }

  #tellSettled(intent: Intent): void {
    const { answer } = this.#options;
    const answers = {
      sent: 'accepted',
      rejected: 'rejected',
      unresolved: 'unresolved',
      denied: 'denied',
    } as const;
    if (intent.state in answers)
      answer(answerOf(intent, answers[intent.state as keyof typeof answers], intent));
  }
}

function contention({ id }: TradeCommand): Error {
  return new Error(
    `ORDERS_CONTENTION: the command ${id} met ${CONFLICTS_MAX} changes of flags, lock or other orders, or the lease is lost; nothing was sent`,
  );
}

export type Words = Pick<EventData<'command.answered'>, 'code' | 'message' | 'allowed'>;

function wishOf(command: PlaceCommand): OrderWish {
  const legs: readonly WishedLeg[] = command.type === 'place' ? [command.order] : inOrder(command.legs);
  return { command: command.type, by: command.by, conId: command.conId, legs };
}

/** The parent first: its children name it. */
function inOrder(legs: readonly WishedLeg[]): readonly WishedLeg[] {
  return [...legs.filter(({ leg }) => leg === 'entry'), ...legs.filter(({ leg }) => leg !== 'entry')];
}

function wordsOf(
  verdict: Exclude<GateVerdict, { verdict: 'send' }>,
): Pick<Intent, 'state' | 'code' | 'message' | 'allowed'> {
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

function causeOf({ command }: Asked) {
  return { name: command.type, reason: `asked by ${command.issuedBy}` };
}

function answerOf(
  intent: Intent,
  answer: EventData<'command.answered'>['answer'],
  { code, message, allowed }: Words,
): EventData<'command.answered'> {
  return {
    commandId: intent.commandId,
    command: intent.command as TradeCommand['type'],
    issuedBy: intent.issuedBy,
    key: intent.key,
    answer,
    code,
    message,
    allowed,
    orders: intent.legs.map((leg) => ({ ...leg })),
  };
}

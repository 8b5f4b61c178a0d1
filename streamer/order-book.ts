import { setTimeout as sleep } from 'node:timers/promises';
import { ordersWriter } from '../lib/domain/audit/writers.ts';
import type { AuditCause, BookItem, BookRef, BookWrite } from '../lib/domain/book/item.ts';
import type { OrderBody } from '../lib/domain/book/orders.ts';
import { type DeskRecord, deskBody, readDesk } from '../lib/domain/orders/desk-record.ts';
import { type Intent, type IntentState, intentBody, readIntent } from '../lib/domain/orders/intent.ts';
import { type FlagsReading, readFlags } from '../lib/domain/safety/flags.ts';
import { type LockReading, readLock } from '../lib/domain/safety/lock.ts';
import {
  readTradingState,
  type TradingReading,
  type TradingState,
  tradingBody,
} from '../lib/domain/safety/trading-state.ts';
import type { Book, CommitResult } from '../lib/ports/book.ts';

const flagsRef: BookRef = { kind: 'flags', id: '' };
const lockRef: BookRef = { kind: 'lock', id: '' };
const tradingRef: BookRef = { kind: 'trading', id: '' };
const deskRef: BookRef = { kind: 'desk', id: '' };

const attemptsMax = 20;
const pauseMs = 10;

/** The book could not be changed again and again: the lease is lost, or somebody writes the same items without end. */
export class OrderBookError extends Error {
  override readonly name = 'OrderBookError';
  readonly code = 'ORDERS_CONTENTION';

  constructor(account: string) {
    super(
      `ORDERS_CONTENTION: ${attemptsMax} attempts to write what became of an order of ${account} met somebody else's change, or the lease is lost. Nothing was written.`,
    );
  }
}

/** What the book says at one moment of everything that an order rests on. */
export interface DeskReading {
  readonly flags: FlagsReading;
  readonly lock: LockReading;
  readonly trading: TradingReading;
  readonly desk: DeskRecord;
  /** By their keys; those that are not there are left out. */
  readonly intents: ReadonlyMap<string, Intent>;
  readonly versions: ReadonlyMap<BookRef, number>;
}

export interface OrderBookOptions {
  readonly book: Book;
  readonly account: string;
  /** Fencing token of the lease: every change is made under it. */
  readonly token: number;
  readonly nowMs: () => number;
}

/** The sender's side of the book: each change is one transaction under the lease, with its audit row. */
export class OrderBook {
  readonly #options: OrderBookOptions;

  constructor(options: OrderBookOptions) {
    this.#options = options;
  }

  /**
   * One consistent picture.
   *
   * @throws when the book does not answer, or has what this program did not write
   */
  async read(keys: readonly string[]): Promise<DeskReading> {
    const { book, account } = this.#options;
    const intentRefs = keys.map(intentRef);
    const refs = [flagsRef, lockRef, tradingRef, deskRef, ...intentRefs];
    const items = await book.read(account, refs);
    const [flags, lock, trading, desk, ...intents] = items;
    return {
      flags: readFlags(flags?.body),
      lock: readLock(lock?.body),
      trading: readTradingState(trading?.body),
      desk: readDesk(desk?.body),
      intents: new Map(
        intents.flatMap((item, index) => (item ? [[keys[index]!, readIntent(item.body)] as const] : [])),
      ),
      versions: new Map(refs.map((ref, index) => [ref, versionOf(items[index])])),
    };
  }

  /** An order as the book-keeper has it. */
  async order(orderKey: string): Promise<OrderBody | undefined> {
    const { book, account } = this.#options;
    const [item] = await book.read(account, [{ kind: 'order', id: orderKey }]);
    return item?.body as unknown as OrderBody | undefined;
  }

  /**
   * Writes an intent that was not there, if flags, lock, trading state, and whatever else was read with them are still what
   * they were, and the lease is held. `conflict`: something of it moved; nothing was written.
   */
  async reserve(
    reading: DeskReading,
    intent: Intent,
    desk: DeskRecord | undefined,
    cause: Pick<AuditCause, 'name' | 'reason'>,
  ): Promise<CommitResult> {
    const own = [...reading.versions.keys()].find(({ kind, id }) => kind === 'intent' && id === intent.key)!;
    const writes: BookWrite[] = [{ ref: own, expectedVersion: 0, body: intentBody(intent) }];
    if (desk !== undefined)
      writes.push({ ref: deskRef, expectedVersion: reading.versions.get(deskRef)!, body: deskBody(desk) });
    const written = new Set(writes.map(({ ref }) => ref));
    const checks = [...reading.versions]
      .filter(([ref]) => !written.has(ref) && ref !== deskRef)
      .map(([ref, expectedVersion]) => ({ ref, expectedVersion }));
    return this.#commit(
      { ...cause, kind: 'event', id: intent.commandId },
      writes,
      checks,
      intent.legs[0]?.orderRef ?? '',
    );
  }

  /**
   * Says what became of an intent, and takes it from those whose fate is not known.
   *
   * @returns the intent as it is now; undefined where there is none
   */
  async settle(
    key: string,
    words: Pick<Intent, 'state' | 'code' | 'message' | 'allowed'>,
  ): Promise<Intent | undefined> {
    for (const attempt of attempts()) {
      if (attempt > 1) await sleep(Math.random() * pauseMs * attempt);
      const reading = await this.read([key]);
      const before = reading.intents.get(key);
      if (before === undefined || !mayBecome(before.state, words.state)) return before;
      const after: Intent = { ...before, ...words, at: this.#now() };
      const desk = { ...reading.desk, open: reading.desk.open.filter((each) => each !== key) };
      const own = [...reading.versions.keys()].find(({ kind }) => kind === 'intent')!;
      const result = await this.#commit(
        { kind: 'event', id: after.commandId, name: `order ${after.state}`, reason: after.message },
        [
          { ref: own, expectedVersion: reading.versions.get(own)!, body: intentBody(after) },
          { ref: deskRef, expectedVersion: reading.versions.get(deskRef)!, body: deskBody(desk) },
        ],
        [],
        after.legs[0]?.orderRef ?? '',
      );
      if (result === 'committed') return after;
    }
    throw new OrderBookError(this.#options.account);
  }

  /** Changes what the desk remembers beside intents. */
  async remember(change: (desk: DeskRecord) => DeskRecord, name: string): Promise<DeskRecord> {
    for (const attempt of attempts()) {
      if (attempt > 1) await sleep(Math.random() * pauseMs * attempt);
      const { desk, versions } = await this.read([]);
      const next = change(desk);
      if (next === desk) return desk;
      const write = { ref: deskRef, expectedVersion: versions.get(deskRef)!, body: deskBody(next) };
      if (
        (await this.#commit({ kind: 'event', id: name, name, reason: '' }, [write], [], '')) === 'committed'
      )
        return next;
    }
    throw new OrderBookError(this.#options.account);
  }

  /** Halts trading, unless it is halted already. */
  async halt(state: Omit<TradingState, 'at' | 'mode'>): Promise<boolean> {
    for (const attempt of attempts()) {
      if (attempt > 1) await sleep(Math.random() * pauseMs * attempt);
      const { trading, versions } = await this.read([]);
      if (trading.mode === 'halted') return false;
      const body = tradingBody({ ...state, mode: 'halted', at: this.#now() });
      const write = { ref: tradingRef, expectedVersion: versions.get(tradingRef)!, body };
      const cause: AuditCause = { kind: 'event', id: state.by, name: 'halt', reason: state.reason };
      if ((await this.#commit(cause, [write], [], '')) === 'committed') return true;
    }
    throw new OrderBookError(this.#options.account);
  }

  async #commit(
    cause: AuditCause,
    writes: readonly BookWrite[],
    checks: readonly { readonly ref: BookRef; readonly expectedVersion: number }[],
    orderKey: string,
  ): Promise<CommitResult> {
    const { book, account, token, nowMs } = this.#options;
    return book.commit({
      account,
      writer: ordersWriter,
      cause,
      atMs: nowMs(),
      orderKey,
      writes,
      checks,
      lease: token,
    });
  }

  #now(): string {
    return new Date(this.#options.nowMs()).toISOString();
  }
}

/** What has ended stays so, but for an order that nobody had heard of and that is there after all. */
function mayBecome(before: IntentState, next: IntentState): boolean {
  if (before === 'sending') return next !== 'sending';
  return before === 'unresolved' && (next === 'sent' || next === 'rejected');
}

function* attempts(): Generator<number, void, undefined> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) yield attempt;
}

function intentRef(key: string): BookRef {
  return { kind: 'intent', id: key };
}

function versionOf(item: BookItem | undefined): number {
  return item?.version ?? 0;
}

/** Flags, reconcile lock and trading state of an account, in its book: every change is a transaction with its audit row. */
import { setTimeout as sleep } from 'node:timers/promises';
import { operatorWriter } from '../domain/audit/writers.ts';
import type { AuditCause, BookBody, BookRef } from '../domain/book/item.ts';
import {
  type Flags,
  type FlagsReading,
  firstFlags,
  flagChangesText,
  flagsBody,
  readFlags,
  sameFlags,
  unreadableFlags,
} from '../domain/safety/flags.ts';
import {
  judgeLock,
  type LockReading,
  lockBody,
  type ReconcileLock,
  readLock,
  unreadableLock,
} from '../domain/safety/lock.ts';
import {
  readTradingState,
  type TradingMode,
  type TradingReading,
  tradingBody,
} from '../domain/safety/trading-state.ts';
import type { Book } from '../ports/book.ts';

const flagsRef: BookRef = { kind: 'flags', id: '' };
const lockRef: BookRef = { kind: 'lock', id: '' };
const tradingRef: BookRef = { kind: 'trading', id: '' };

const attemptsMax = 5;
const pauseMs = 25;

/** Who changes something, and why. Both go to the audit trail. */
export interface ChangedBy {
  readonly who: string;
  readonly reason: string;
  /** The command, for the audit row: `flags preset stage`. */
  readonly command?: string;
}

export type SafetyErrorCode = 'CHANGE_REASON_MISSING' | 'SAFETY_CONTENTION';

const advice: Readonly<Record<SafetyErrorCode, string>> = {
  CHANGE_REASON_MISSING: 'Say who you are and why: the audit trail keeps both.',
  SAFETY_CONTENTION: 'Somebody else changes the same item; look at what it is now and try again.',
};

/** Flags, lock or trading state were not changed. */
export class SafetyError extends Error {
  override readonly name = 'SafetyError';
  readonly code: SafetyErrorCode;

  constructor(code: SafetyErrorCode, what: string) {
    super(`${code}: ${what} Nothing was changed. ${advice[code]}`);
    this.code = code;
  }
}

export interface FlagsChange {
  readonly result: 'changed' | 'unchanged';
  readonly before: Flags;
  readonly after: Flags;
}

export interface TradingChange {
  readonly result: 'changed' | 'unchanged';
  readonly before: TradingReading;
  readonly after: TradingReading;
}

export interface SafetyStoreOptions {
  readonly book: Book;
  readonly nowMs?: () => number;
}

export class SafetyStore {
  readonly #book: Book;
  readonly #nowMs: () => number;

  constructor({ book, nowMs = Date.now }: SafetyStoreOptions) {
    this.#book = book;
    this.#nowMs = nowMs;
  }

  /** Never throws: flags that cannot be read count as SAFE_MODE, and `problem` says why. */
  async flags(account: string): Promise<FlagsReading> {
    try {
      return readFlags(await this.#body(account, flagsRef));
    } catch (error) {
      return unreadableFlags(wordsOf(error));
    }
  }

  /** Never throws: a lock that cannot be read is locked. */
  async lock(account: string): Promise<LockReading> {
    try {
      return readLock(await this.#body(account, lockRef));
    } catch (error) {
      return unreadableLock(wordsOf(error));
    }
  }

  /**
   * Sets the flags that `changes` names; a malformed set is replaced by the first one and the changes.
   *
   * @returns the flags before and after; `unchanged` when they said so already, and no row was written
   * @throws SafetyError without a reason, or when somebody else was faster again and again; BookError
   */
  async setFlags(account: string, changes: Partial<Flags>, by: ChangedBy): Promise<FlagsChange> {
    needReason(by);
    const cause = operatorCause(by, flagChangesText(changes));
    let before = firstFlags;
    let after = firstFlags;
    const result = await this.#change(account, flagsRef, operatorWriter, cause, (body, at) => {
      const reading = readFlags(body);
      before = reading.flags;
      after = { ...before, ...changes };
      // Flags that nobody has set yet are written even where they say what holds anyway: then somebody has said so.
      if (reading.source === 'stored' && sameFlags(before, after)) return undefined;
      return flagsBody(after, by.who, by.reason, at);
    });
    return { result, before, after };
  }

  /**
   * Sets the lock. A word with an older fencing token than the stored one is dropped as `stale`.
   *
   * @param by the cause for the audit trail; `writer` is whose chain it goes to
   * @throws SafetyError when somebody else was faster again and again; BookError
   */
  async setLock(
    account: string,
    wish: ReconcileLock,
    by: { readonly writer: string; readonly cause: AuditCause },
  ): Promise<'changed' | 'unchanged' | 'stale'> {
    let isStale = false;
    const result = await this.#change(account, lockRef, by.writer, by.cause, (body, at) => {
      const verdict = judgeLock(readLock(body), wish);
      isStale = verdict === 'stale';
      // A lock that nobody has set yet is set even to what it would be: then it is known who said so.
      if (isStale || (verdict === 'unchanged' && body !== undefined)) return undefined;
      return lockBody(wish, by.cause.id, at);
    });
    return isStale ? 'stale' : result;
  }

  /** Never throws: a trading state that cannot be read is halted. */
  async trading(account: string): Promise<TradingReading> {
    try {
      return readTradingState(await this.#body(account, tradingRef));
    } catch (error) {
      const reason = `unreadable: ${wordsOf(error)}`;
      return { mode: 'halted', by: '', reason, at: '', source: 'unreadable' };
    }
  }

  /**
   * Sets whether the account may trade. Who halts a halted account changes nothing: the first reason stays.
   *
   * @throws SafetyError without a reason, or when somebody else was faster again and again; BookError
   */
  async setTrading(account: string, mode: TradingMode, by: ChangedBy): Promise<TradingChange> {
    needReason(by);
    const { who, reason, command = 'trading set' } = by;
    const cause = operatorCause({ who, reason, command }, `TRADING=${mode}`);
    let before = readTradingState(undefined);
    let after = before;
    const result = await this.#change(account, tradingRef, operatorWriter, cause, (body, at) => {
      before = readTradingState(body);
      after = before;
      if (before.mode === mode && before.source !== 'unreadable') return undefined;
      after = { mode, by: who, reason, at, source: 'stored' };
      return tradingBody(after);
    });
    return { result, before, after };
  }

  async #body(account: string, ref: BookRef): Promise<BookBody | undefined> {
    const [item] = await this.#book.read(account, [ref]);
    return item?.body;
  }

  /** Reads, asks for the new body (undefined: leave it), commits; again where somebody was faster. */
  async #change(
    account: string,
    ref: BookRef,
    writer: string,
    cause: AuditCause,
    next: (body: BookBody | undefined, at: string) => BookBody | undefined,
  ): Promise<'changed' | 'unchanged'> {
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const [item] = await this.#book.read(account, [ref]);
      const atMs = this.#nowMs();
      const body = next(item?.body, new Date(atMs).toISOString());
      if (body === undefined) return 'unchanged';
      const writes = [{ ref, expectedVersion: item?.version ?? 0, body }];
      const result = await this.#book.commit({ account, writer, cause, atMs, orderKey: '', writes });
      if (result === 'committed') return 'changed';
      await sleep(Math.random() * pauseMs * attempt);
    }
    throw new SafetyError('SAFETY_CONTENTION', `${cause.name} lost to others ${attemptsMax} times.`);
  }
}

function needReason({ who, reason }: ChangedBy): void {
  if (who.trim() !== '' && reason.trim() !== '') return;
  throw new SafetyError('CHANGE_REASON_MISSING', 'A change came without a name or a reason.');
}

function operatorCause({ who, reason, command = 'flags set' }: ChangedBy, changes: string): AuditCause {
  return { kind: 'operator', id: who, name: `${command} ${changes}`, reason };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

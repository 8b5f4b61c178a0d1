import type { EventPublisher } from '../lib/ports/event-publisher.ts';
import type { Outbox, OutboxRow, OutboxTarget } from './outbox.ts';

/**
 * Carries the outbox's events to one target, the bus or the book's queue: batches of ten, a few at a time, partial
 * failures sent again one by one, with back-off while the target refuses. It never gives up on an event that could be
 * accepted one day; one that never can be (too large, malformed) is put aside and told.
 */
export interface PublisherConfig {
  readonly target: OutboxTarget;
  /** Batches under way at once; with 1 they leave in the outbox's order. */
  readonly concurrency: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
}

export interface PublisherStats {
  readonly published: number;
  readonly failures: number;
  readonly buried: number;
  readonly inFlight: number;
  readonly lastError: string;
}

const BATCH = 10;
/** Who waits for the last events to leave has no time for longer pauses: the target may come back at any moment. */
const DRAIN_RETRY_MAX_MS = 500;
/** What EventBridge and SQS call an entry that no retry can save. */
const PERMANENT = new Set(['EntryTooLarge', 'MalformedDetail', 'InvalidMessageContents']);

export class Publisher {
  readonly #outbox: Outbox;
  readonly #target: EventPublisher;
  readonly #config: PublisherConfig;
  readonly #onBuried: (row: OutboxRow, code: string, message: string) => void;
  readonly #onPublished: (rows: readonly OutboxRow[]) => void;
  readonly #inFlight = new Set<number>();
  #batches = 0;
  #draining = 0;
  #stopped = false;
  #failuresInARow = 0;
  #timer: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];
  #published = 0;
  #failures = 0;
  #buried = 0;
  #lastError = '';

  constructor(
    outbox: Outbox,
    target: EventPublisher,
    config: PublisherConfig,
    onBuried: (row: OutboxRow, code: string, message: string) => void,
    onPublished: (rows: readonly OutboxRow[]) => void = () => undefined,
  ) {
    this.#outbox = outbox;
    this.#target = target;
    this.#config = config;
    this.#onBuried = onBuried;
    this.#onPublished = onPublished;
  }

  /** Looks for work; call it after every append. */
  wake(): void {
    if (this.#stopped || this.#timer) return;
    while (this.#batches < this.#config.concurrency) {
      // Cheap guard: while everything that waits is in flight there is nothing to read.
      if (this.#depth <= this.#inFlight.size) break;
      const rows = this.#outbox.peek(this.#config.target, BATCH, this.#inFlight);
      if (rows.length === 0) break;
      this.#batches += 1;
      for (const row of rows) this.#inFlight.add(row.id);
      void this.#send(rows);
    }
    this.#announceIdle();
  }

  /** Waits until nothing is left for the target or the time is up; returns whether it is empty. */
  async drain(timeoutMs: number): Promise<boolean> {
    if (this.#depth === 0) return true;
    const empty = new Promise<boolean>((resolve) => this.#idle.push(() => resolve(true)));
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), timeoutMs);
    // The target may have come back, and the back-off may be longer than the time that is left.
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#draining += 1;
    this.wake();
    try {
      return await Promise.race([empty, late]);
    } finally {
      this.#draining -= 1;
      clearTimeout(timer);
    }
  }

  /** Starts no further batch. Batches in flight end by themselves; unsent events stay in the outbox. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  stats(): PublisherStats {
    return {
      published: this.#published,
      failures: this.#failures,
      buried: this.#buried,
      inFlight: this.#inFlight.size,
      lastError: this.#lastError,
    };
  }

  get #depth(): number {
    return this.#outbox.stats(this.#config.target).depth;
  }

  async #send(rows: readonly OutboxRow[]): Promise<void> {
    let failed = 0;
    try {
      const results = await this.#target.publish(rows.map((row) => row.envelope));
      if (this.#stopped) return;
      const accepted: OutboxRow[] = [];
      for (const [index, row] of rows.entries()) {
        const result = results[index];
        if (result?.ok) accepted.push(row);
        else if (result && PERMANENT.has(result.code)) this.#putAside(row, result.code, result.message);
        else {
          failed += 1;
          this.#lastError = result
            ? `${result.code}: ${result.message}`
            : 'there was no answer for the entry';
        }
      }
      this.#outbox.remove(
        this.#config.target,
        accepted.map(({ id }) => id),
      );
      this.#published += accepted.length;
      this.#onPublished(accepted);
    } catch (error) {
      failed = rows.length;
      this.#lastError = (error as Error).message;
    } finally {
      for (const row of rows) this.#inFlight.delete(row.id);
      this.#batches -= 1;
    }
    this.#failures += failed;
    if (failed > 0) this.#backOff();
    else {
      this.#failuresInARow = 0;
      this.wake();
    }
  }

  #putAside(row: OutboxRow, code: string, message: string): void {
    this.#outbox.bury(this.#config.target, row.id, code, message);
    this.#buried += 1;
    this.#onBuried(row, code, message);
  }

  #backOff(): void {
    if (this.#stopped || this.#timer) return;
    const delay = Math.min(
      this.#draining > 0 ? DRAIN_RETRY_MAX_MS : this.#config.retryMaxMs,
      this.#config.retryFirstMs * 2 ** Math.min(this.#failuresInARow, 20),
    );
    this.#failuresInARow += 1;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.wake();
    }, delay);
  }

  #announceIdle(): void {
    if (this.#depth > 0 || this.#batches > 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}

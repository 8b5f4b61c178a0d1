import type { Config, StreamerConfig } from '../config/schema.ts';
import type { EventPublisher } from '../lib/ports/event-publisher.ts';
import { CandleLateness } from './candle-lateness.ts';
import type { Logger } from './logger.ts';
import { Outbox, type OutboxRow, type OutboxStats, type OutboxTarget } from './outbox.ts';
import { Publisher, type PublisherStats } from './publisher.ts';

/** The way of an event out of the process: the outbox on disk, and the publishers that empty it. */
export interface EventDelivery {
  readonly outbox: Outbox;
  /** Looks for work; call it after every append. */
  wake(): void;
  /** Waits until the outbox is empty or the time is up; returns whether it is empty. */
  drain(timeoutMs: number): Promise<boolean>;
  /**
   * Drains, stops the publishers and closes the file. What could not be sent stays in it for the next start. Returns
   * whether nothing was left.
   */
  close(timeoutMs: number): Promise<boolean>;
  /** Told of events that can never be accepted and were put aside; returns how to be told no more. */
  onBuried(told: (buried: Buried) => void): () => void;
  stats(): DeliveryStats;
}

export interface Buried {
  readonly target: OutboxTarget;
  readonly row: OutboxRow;
  readonly code: string;
  readonly message: string;
}

export interface DeliveryStats {
  readonly bus: OutboxStats & { readonly publisher: PublisherStats };
  /** Null where there is no book queue. */
  readonly book: (OutboxStats & { readonly publisher: PublisherStats }) | null;
  /** Longest way of a candle to the bus within the last minute; null where none left. */
  readonly candleLatenessMs: number | null;
}

export interface DeliveryOptions {
  readonly config: Config;
  readonly streamer: StreamerConfig;
  readonly logger: Logger;
  readonly bus: EventPublisher;
  /** The book's queue; without it the book's events go to the bus alone. */
  readonly book?: EventPublisher | undefined;
  /** Unix milliseconds; the system's clock. */
  readonly systemMs?: () => number;
}

const RETRY = { retryFirstMs: 100, retryMaxMs: 30_000 };
/** The queue keeps the order in which it got the messages of an account: one batch after the other. */
const IN_ORDER = 1;

/** @throws OutboxError when the file is in use, belongs to another streamer, or cannot be opened */
export function openDelivery(options: DeliveryOptions): EventDelivery {
  const { config, streamer, logger } = options;
  const systemMs = options.systemMs ?? Date.now;
  const lateness = new CandleLateness();
  const outbox = new Outbox({
    path: streamer.dbPath,
    owner: `${config.stage}/${streamer.account}/${streamer.name}`,
    maxEvents: config.outbox.maxEvents,
    alertAtUtilisation: config.outbox.alertAtUtilisation,
    openedAtMs: systemMs(),
    book: options.book !== undefined,
  });
  if (outbox.recoveredFrom) {
    logger.error('The outbox could not be read and was put aside; gaps are filled from history', {
      file: outbox.recoveredFrom,
    });
  }
  const listeners = new Set<(buried: Buried) => void>();
  const publisherFor = (target: OutboxTarget, publisher: EventPublisher, concurrency: number) => {
    const buried = (row: OutboxRow, code: string, message: string): void => {
      logger.error('An event can never be published and was put aside in the outbox', {
        target,
        event: row.name,
        id: row.envelope.id,
        code,
        message,
      });
      for (const told of listeners) told({ target, row, code, message });
    };
    return new Publisher(outbox, publisher, { target, concurrency, ...RETRY }, buried, (rows) => {
      if (target === 'bus') lateness.published(rows, systemMs());
    });
  };
  const bus = publisherFor('bus', options.bus, config.outbox.publishConcurrency);
  const book = options.book && publisherFor('book', options.book, IN_ORDER);
  const publishers = book ? [bus, book] : [bus];

  const drain = async (timeoutMs: number): Promise<boolean> => {
    const empty = await Promise.all(publishers.map((publisher) => publisher.drain(timeoutMs)));
    return empty.every(Boolean);
  };
  const stats = (): DeliveryStats => ({
    bus: { ...outbox.stats('bus'), publisher: bus.stats() },
    book: book ? { ...outbox.stats('book'), publisher: book.stats() } : null,
    candleLatenessMs: lateness.worstMs(systemMs()),
  });
  const shut = async (timeoutMs: number): Promise<boolean> => {
    await drain(timeoutMs);
    for (const publisher of publishers) publisher.stop();
    const { bus: atBus, book: atBook } = stats();
    const left = { bus: atBus.depth, book: atBook?.depth ?? 0 };
    const empty = left.bus + left.book === 0;
    if (!empty) logger.warn('Events stay in the outbox for the next start', left);
    outbox.close();
    return empty;
  };
  let closing: Promise<boolean> | undefined;
  return {
    outbox,
    drain,
    close: (timeoutMs) => {
      closing ??= shut(timeoutMs);
      return closing;
    },
    stats,
    wake: () => {
      for (const publisher of publishers) publisher.wake();
    },
    onBuried: (told) => {
      listeners.add(told);
      return () => listeners.delete(told);
    },
  };
}

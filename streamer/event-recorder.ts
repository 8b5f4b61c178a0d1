import type { MarketClock } from '../lib/domain/market/market-clock.ts';
import type { TrackerDoc, TrackerEmit } from '../lib/domain/orders/tracker-types.ts';
import type { EventData, EventName } from '../lib/events/catalogue.ts';
import { type Envelope, eventId } from '../lib/events/envelope.ts';
import type { EventBus } from './bus.ts';
import type { EventDelivery } from './event-delivery.ts';
import type { StreamerOptions } from './streamer-options.ts';
import type { TickBuffer } from './tick-buffer.ts';

/** Every event of the catalogue, with its envelope, for subscribers inside the process. */
export type StreamerEvents = { readonly [N in EventName]: Envelope<N> };

/** What the recorder needs from the streamer around it. */
export interface RecorderHost {
  readonly delivery: EventDelivery;
  readonly bus: EventBus<StreamerEvents>;
  readonly clock: MarketClock;
  readonly systemMs: () => number;
  /** Held back while the outbox refuses events. */
  readonly ticks: () => TickBuffer;
  /** How far each instrument is accounted for: Unix ms by contract. */
  readonly watermarks: () => ReadonlyMap<number, number>;
}

/** Events that are appended to the outbox in one transaction at the most. */
const FLUSH_AT = 512;
const OUTBOX_RETRY_MS = 100;

/** Gives every event its envelope, tells the bus inside the process, and writes it to the outbox before it leaves. */
export class EventRecorder {
  readonly #options: StreamerOptions;
  readonly #host: RecorderHost;
  readonly #counts: Partial<Record<EventName, number>> = {};
  #pending: Envelope[] = [];
  /** What the order tracker must remember with the events that wait. */
  #memory = new Map<string, TrackerDoc | null>();
  /** Events were written without the watermarks that follow from them. */
  #marksDue = false;
  #flushScheduled = false;
  readonly #alerted = { bus: false, book: false };
  #retryTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: StreamerOptions, host: RecorderHost) {
    this.#options = options;
    this.#host = host;
  }

  /** Events of this run, by name. */
  get counts(): Readonly<Partial<Record<EventName, number>>> {
    return this.#counts;
  }

  /** @param account the streamer's own when left out; a login may see several */
  emit<N extends EventName>(name: N, data: EventData<N>, occurredAtMs: number, account?: string): void {
    this.#push(name, data, occurredAtMs, account);
    this.#flushSoon();
  }

  /** What one step of the order tracker says, and what it must remember: in one transaction, whole or not at all. */
  record(events: readonly TrackerEmit[], memory: ReadonlyMap<string, TrackerDoc | null>): void {
    if (events.length === 0 && memory.size === 0) return;
    // Handlers inside the process hear of it afterwards: what they emit might make the outbox write half of the step.
    const envelopes = events.map(({ name, data, occurredAtMs, account }) =>
      this.#count(name, data, occurredAtMs, account),
    );
    this.#pending.push(...envelopes);
    for (const [key, doc] of memory) this.#memory.set(key, doc);
    for (const envelope of envelopes) this.#host.bus.emit(envelope.type, envelope as never);
    this.#flushSoon();
  }

  /** Emits what happens at this moment of the market; before its first word, at this moment of the system. */
  emitNow<N extends EventName>(name: N, data: EventData<N>): void {
    const { clock, systemMs } = this.#host;
    this.emit(name, data, clock.marketMs > 0 ? clock.marketMs : systemMs());
  }

  /** For handlers inside the process alone. */
  tell<N extends EventName>(name: N, data: EventData<N>, occurredAtMs: number): void {
    this.#host.bus.emit(name, this.#envelope(name, data, occurredAtMs) as StreamerEvents[N]);
  }

  /** Writes what is left at the end of the run, be the outbox full or not. */
  flushLast(): void {
    clearTimeout(this.#retryTimer);
    this.#flush(true);
  }

  /** Nothing is written any more: the outbox is another run's now, or is about to be closed. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
  }

  #push(name: EventName, data: object, occurredAtMs: number, account?: string): void {
    const envelope = this.#count(name, data, occurredAtMs, account);
    this.#pending.push(envelope);
    this.#host.bus.emit(name, envelope as never);
  }

  #count(name: EventName, data: object, occurredAtMs: number, account?: string): Envelope {
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
    return this.#envelope(name, data, occurredAtMs, account);
  }

  #flushSoon(): void {
    if (this.#pending.length >= FLUSH_AT) this.#flushEvents();
    else if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      queueMicrotask(() => {
        this.#flushScheduled = false;
        this.#flush();
      });
    }
  }

  #envelope(name: EventName, data: object, occurredAtMs: number, account?: string): Envelope {
    const { streamer, config } = this.#options;
    const { systemMs } = this.#host;
    const { outbox } = this.#host.delivery;
    const seq = outbox.nextSeq();
    return {
      id: eventId(streamer.name, outbox.epoch, seq),
      type: name,
      version: 1,
      stage: config.stage,
      streamer: streamer.name,
      account: account ?? streamer.account,
      epoch: outbox.epoch,
      seq,
      occurredAt: new Date(occurredAtMs).toISOString(),
      recordedAt: new Date(systemMs()).toISOString(),
      data,
    } as unknown as Envelope;
  }

  /** Everything that happened, and how far each instrument is accounted for, in one transaction. */
  #flush(beyondBound = false): void {
    if (this.#closed || (this.#pending.length === 0 && this.#memory.size === 0 && !this.#marksDue)) return;
    this.#append(this.#host.watermarks(), beyondBound);
  }

  /**
   * What has happened so far, in the midst of something: a builder may have closed bars that are still to be told, so
   * that its watermark would leave them out after a crash.
   */
  #flushEvents(): void {
    if (!this.#closed) this.#append(new Map(), false);
  }

  #append(watermarks: ReadonlyMap<number, number>, beyondBound: boolean): void {
    const { delivery } = this.#host;
    const events = this.#pending;
    const memory = this.#memory;
    this.#pending = [];
    this.#memory = new Map();
    let refused: readonly Envelope[];
    try {
      refused = delivery.outbox.append(events, { watermarks, memory, beyondBound });
    } catch (error) {
      // The end of the run tries once more.
      this.#pending = [...events, ...this.#pending];
      this.#memory = new Map([...memory, ...this.#memory]);
      throw error;
    }
    this.#marksDue = watermarks.size === 0;
    this.#watchBook();
    this.#watchOutbox(refused);
    delivery.wake();
  }

  /** Events of the book are never refused, so somebody must hear of it in time when its queue takes none. */
  #watchBook(): void {
    const { outbox } = this.#host.delivery;
    if (!outbox.nearlyFull('book')) this.#alerted.book = false;
    else if (!this.#alerted.book) {
      this.#alerted.book = true;
      const { depth, capacity } = outbox.stats('book');
      const message = `${depth} events of the book wait in the outbox, whose alert level is below ${capacity}: the book's queue does not take them. None is dropped; the disk is the bound. Look at the queue, its permissions and the network.`;
      this.#options.logger.error(message);
      this.emitNow('alert.raised', {
        alert: 'book_outbox_nearly_full',
        severity: 'HIGH',
        subject: 'book queue',
        message,
      });
    }
  }

  #watchOutbox(refused: readonly Envelope[]): void {
    const { outbox } = this.#host.delivery;
    if (!outbox.nearlyFull('bus')) this.#alerted.bus = false;
    else if (!this.#alerted.bus) {
      this.#alerted.bus = true;
      const { depth, capacity, utilisation } = outbox.stats('bus');
      this.#options.logger.error('The outbox is nearly full: the bus does not take events', {
        depth,
        capacity,
      });
      this.emitNow('backpressure.detected', {
        queue: 'outbox',
        // Events of the book go beyond the bound: it is full all the same, and a share above 1 would be none.
        utilisation: Math.min(1, utilisation),
        depth,
        capacity,
        droppedQuotes: 0,
        droppedTrades: 0,
      });
    }
    const ticks = this.#host.ticks();
    if (refused.length > 0) {
      // Hold the ticks back where they are bounded and counted, and try the refused events again.
      ticks.pause();
      this.#pending = [...refused, ...this.#pending];
    }
    if (ticks.paused) this.#tryOutboxLater();
  }

  /** While ticks are held back nothing happens that would write to the outbox: somebody has to look for room. */
  #tryOutboxLater(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      this.#flush();
      // Events that were refused again have set the timer again.
      if (this.#closed || this.#pending.length > 0) return;
      clearTimeout(this.#retryTimer);
      if (this.#host.delivery.outbox.full) this.#tryOutboxLater();
      else this.#host.ticks().resume();
    }, OUTBOX_RETRY_MS);
  }
}

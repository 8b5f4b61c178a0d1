import type { MarketClock } from '../lib/domain/market/market-clock.ts';
import type { EventData, EventName } from '../lib/events/catalogue.ts';
import { type Envelope, eventId } from '../lib/events/envelope.ts';
import type { EventBus } from './bus.ts';
import type { EventDelivery } from './event-delivery.ts';
import type { StreamerOptions } from './streamer-options.ts';
import type { TickBuffer } from './tick-buffer.ts';

/** Every event of the catalogue, with its envelope, for subscribers inside the process. */
export type StreamerEvents = { readonly [N in EventName]: Envelope<N> };

/** What the recorder needs from the streamer around it. */
export interface RecorderHost extends EventDelivery {
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
  /** Events were written without the watermarks that follow from them. */
  #marksDue = false;
  #flushScheduled = false;
  #outboxAlerted = false;
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

  emit<N extends EventName>(name: N, data: EventData<N>, occurredAtMs: number): void {
    const envelope = this.#envelope(name, data, occurredAtMs);
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
    this.#pending.push(envelope);
    this.#host.bus.emit(name, envelope as StreamerEvents[N]);
    if (this.#pending.length >= FLUSH_AT) this.#flushEvents();
    else if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      queueMicrotask(() => {
        this.#flushScheduled = false;
        this.#flush();
      });
    }
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

  /** Writes what is left at the end of the process, be the outbox full or not. */
  flushLast(): void {
    clearTimeout(this.#retryTimer);
    this.#flush(true);
  }

  /** Nothing is written any more: the outbox is about to be closed. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
  }

  #envelope(name: EventName, data: object, occurredAtMs: number): Envelope {
    const { streamer, config } = this.#options;
    const { outbox, systemMs } = this.#host;
    const seq = outbox.nextSeq();
    return {
      id: eventId(streamer.name, outbox.epoch, seq),
      type: name,
      version: 1,
      stage: config.stage,
      streamer: streamer.name,
      account: streamer.account,
      epoch: outbox.epoch,
      seq,
      occurredAt: new Date(occurredAtMs).toISOString(),
      recordedAt: new Date(systemMs()).toISOString(),
      data,
    } as unknown as Envelope;
  }

  /** Everything that happened, and how far each instrument is accounted for, in one transaction. */
  #flush(beyondBound = false): void {
    if (this.#closed || (this.#pending.length === 0 && !this.#marksDue)) return;
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
    const events = this.#pending;
    this.#pending = [];
    let refused: readonly Envelope[];
    try {
      refused = this.#host.outbox.append(events, watermarks, beyondBound);
    } catch (error) {
      // The end of the process tries once more.
      this.#pending = [...events, ...this.#pending];
      throw error;
    }
    this.#marksDue = watermarks.size === 0;
    this.#watchOutbox(refused);
    this.#host.publisher.wake();
  }

  #watchOutbox(refused: readonly Envelope[]): void {
    const { outbox } = this.#host;
    if (!outbox.nearlyFull) this.#outboxAlerted = false;
    else if (!this.#outboxAlerted) {
      this.#outboxAlerted = true;
      const { depth, capacity, utilisation } = outbox.stats();
      this.#options.logger.error('The outbox is nearly full: the bus does not take events', {
        depth,
        capacity,
      });
      this.emitNow('backpressure.detected', {
        utilisation,
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
      if (this.#host.outbox.full) this.#tryOutboxLater();
      else this.#host.ticks().resume();
    }, OUTBOX_RETRY_MS);
  }
}
